// A client of the ws package. It says what it is told to, in order, each after the answer to the one before.
// Arguments: the address, then the steps as JSON. What comes is written as JSON, a line each.
import WebSocket from "ws";

const [address, steps] = [process.argv[2], JSON.parse(process.argv[3])];
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const options = { perMessageDeflate: process.argv.includes("deflate") && { threshold: 0 } };
const socket = new WebSocket(address, process.argv.includes("chat") ? ["chat"] : [], options);

function next() {
  const step = steps.shift();
  if (step === undefined) socket.close(1000, "that was all");
  else if (step.ping !== undefined) socket.ping(step.ping);
  else if (step.text !== undefined) socket.send(step.text.repeat(step.times ?? 1));
  else if (step.hex !== undefined) socket.send(Buffer.from(step.hex, "hex"));
  else if (step.fragments !== undefined) {
    step.fragments.forEach((part, at) => socket.send(part, { fin: at === step.fragments.length - 1 }));
  } else if (step.raw !== undefined) socket._socket.write(Buffer.from(step.raw, "hex"));
}

socket.on("open", () => {
  say({ extensions: socket.extensions, protocol: socket.protocol });
  next();
});
socket.on("message", (data, binary) => {
  const text = data.length > 100 ? `${data.length} bytes` : binary ? data.toString("hex") : data.toString();
  say({ [binary ? "binary" : "text"]: text });
  next();
});
socket.on("pong", (data) => {
  say({ pong: data.toString() });
  next();
});
socket.on("close", (code, reason) => say({ code, reason: reason.toString() }));
socket.on("error", (error) => say({ error: error.message }));
