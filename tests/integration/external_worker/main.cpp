#include <string>

#include "sup/http/server.h"
#include "sup/worker.h"

int main() {
    sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});
    sup::http::Server server(worker, [&](sup::http::Request& request, sup::http::Response response) {
        if (request.path() != "/") return response.send(404, "not here\n");
        response.send(200, "external, generation " + std::to_string(worker.generation()) + "\n");
    });
    return worker.run();
}
