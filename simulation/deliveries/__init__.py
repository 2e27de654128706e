"""What partners keep of the world and send of it: registers, files, deliveries."""
