// The configuration of a test's instance. What a test does not set is plain: two example workers on a free
// port.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace sup::test {

struct Config {
    std::string name = "test";
    std::vector<std::string> listen{"127.0.0.1:0"};  // named "http", "http1", "http2"…
    std::string listen_keys = "{}";                  // JSON: more keys of every listener
    std::vector<std::string> command{"./worker"};
    int count = 2;
    std::string cwd{};  // empty: not in the file
    std::map<std::string, std::string> env{};
    std::vector<std::string> protocols{};  // empty: not in the file
    std::string ready = "notify";          // or an object, as JSON
    std::string ready_timeout = "60s";
    std::string leftovers{};  // empty: not in the file
    std::string drain_to{};   // empty: not in the file
    std::string drain_signal = "SIGTERM";
    std::string drain_timeout = "60s";
    std::string strategy = "replace";
    int max_surge = 1;
    std::string soak = "0s";
    int max_draining = 4;
    std::string min_uptime = "1s";
    std::string backoff_min = "100ms";
    std::string backoff_max = "30s";
    std::string log_file = "sup.log";  // empty: not in the file
    std::string log_format = "text";
    std::string log_workers = "capture";
    std::string log_when_slow{};  // an object, as JSON; empty: not in the file

    std::string json() const;
};

}  // namespace sup::test
