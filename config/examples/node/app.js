const fs = require("fs");
const http = require("http");

let draining = false;
const server = http.createServer((request, response) => {
  if (draining) response.setHeader("Connection", "close");
  response.setHeader("Content-Type", "text/plain");
  response.end(`hello from node, generation ${process.env.SUP_GENERATION}\n`);
});

server.listen({ fd: 3 }, () => fs.writeSync(4, "\n"));

// Stop accepting, and leave when the last connection has. http's close() also closes connections on which no request is
// on its way as far as Node can see; net's leaves them to the next answer's "Connection: close".
process.on("SIGTERM", () => {
  draining = true;
  require("net").Server.prototype.close.call(server);
  setTimeout(() => server.closeIdleConnections(), 1000).unref();
});
