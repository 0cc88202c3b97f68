#include <sup/http/server.h>
#include <sup/worker.h>

#include <string>

int main() {
    // Under sup it serves the sockets that sup's configuration names; run by hand, this one.
    sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});

    sup::http::Server server(worker, [&](sup::http::Request& request, sup::http::Response response) {
        if (request.path() == "/") {
            response.header("Cache-Control", "no-store");
            response.send(200, "hello from generation " + std::to_string(worker.generation()) + "\n");
        } else {
            response.send(404, "not here\n");
        }
    });

    return worker.run();  // until it is told to drain and its last answer is sent
}
