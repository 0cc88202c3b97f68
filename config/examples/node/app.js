const fs = require("fs");
const http = require("http");
const net = require("net");

let draining = false;
const server = http.createServer((request, response) => {
  if (draining) response.setHeader("Connection", "close");
  response.setHeader("Content-Type", "text/plain");
  response.end(`hello from node, generation ${process.env.SUP_GENERATION}\n`);
});

server.listen({ fd: 3 }, () => fs.writeSync(4, "\n"));

// Stop accepting, and leave with the last connection. http's own close() would also close idle connections at once (from Node 19
// on), just when the next request may be on its way; so they get an answer with "Connection: close", or end after keepAliveTimeout.
process.on("SIGTERM", () => {
  draining = true;
  net.Server.prototype.close.call(server);
});
