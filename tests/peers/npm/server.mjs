// An echo server of the ws package. It writes its port, and what comes as JSON, a line each.
import { WebSocketServer } from "ws";

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: process.argv.includes("deflate") && { threshold: 0 },
  handleProtocols: (names) => (names.has("chat") ? "chat" : false),
});

server.on("listening", () => say({ port: server.address().port }));
server.on("connection", (socket, request) => {
  say({ path: request.url, extensions: socket.extensions, protocol: socket.protocol, origin: request.headers.origin });
  socket.on("message", (data, binary) => {
    say({ kind: binary ? "binary" : "text", length: data.length });
    if (data.toString() === "close yourself") socket.close(4001, "as you wish");
    else if (data.toString() === "drop") socket.terminate();
    else if (data.toString() === "ping me") socket.ping("are you there");
    else socket.send(data, { binary });
  });
  socket.on("ping", (data) => say({ kind: "ping", data: data.toString() }));
  socket.on("pong", (data) => say({ kind: "pong", data: data.toString() }));
  socket.on("close", (code, reason) => say({ code, reason: reason.toString() }));
  socket.on("error", (error) => say({ error: error.code ?? error.message }));
});
