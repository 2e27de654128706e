export default { title: "Peer", root: "src" };
