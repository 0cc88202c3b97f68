// What the example worker answers: who it is, later, a body back, a stream, whether it is well.
#pragma once

#include <array>
#include <string>

#include "sup/http/request.h"
#include "sup/http/response.h"

struct uv_loop_s;

namespace sup::hello {

struct Identity {
    unsigned generation = 0;
    std::string version;
    std::string file = {};  // what /file answers with; empty: nothing
};

// One exact path each; 404 for others, 405 with Allow for another method.
class Routes {
public:
    Routes(uv_loop_s* loop, Identity identity);

    void operator()(http::Request& request, http::Response response);

private:
    struct Route;
    static const std::array<Route, 6> table;

    void hello(http::Request& request, http::Response response);
    void sleep(http::Request& request, http::Response response);
    void echo(http::Request& request, http::Response response);
    void stream(http::Request& request, http::Response response);
    void file(http::Request& request, http::Response response);
    void health(http::Request& request, http::Response response);
    void greet(http::Response response);

    uv_loop_s* loop_;
    Identity identity_;
    int parent_ = 0;  // the one that greeting_ names; 0 at first
    std::string
        greeting_;  // composed again when the parent has changed: its death makes another one the parent
};

}  // namespace sup::hello
