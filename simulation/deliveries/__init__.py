"""What partners record of the world and send of it: registers, files, deliveries."""
