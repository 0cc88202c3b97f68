#include "tests/integration/support/config.h"

#include <nlohmann/json.hpp>

namespace sup::test {

std::string Config::json() const {
    auto listeners = nlohmann::json::array();
    for (const auto& address : listen) {
        const std::string number = listeners.empty() ? "" : std::to_string(listeners.size());
        listeners.push_back({{"name", "http" + number}, {"address", address}});
        listeners.back().update(nlohmann::json::parse(listen_keys));
    }
    nlohmann::json config{
        {"name", name},
        {"listen", listeners},
        {"worker",
         {{"command", command},
          {"count", count},
          {"env", env},
          {"ready", ready.starts_with("{") ? nlohmann::json::parse(ready) : nlohmann::json(ready)},
          {"ready_timeout", ready_timeout}}},
        {"drain", {{"signal", drain_signal}, {"timeout", drain_timeout}}},
        {"reload", {{"strategy", strategy}, {"soak", soak}, {"max_draining", max_draining}}},
        {"restart", {{"min_uptime", min_uptime}, {"backoff_min", backoff_min}, {"backoff_max", backoff_max}}},
        {"log", {{"format", log_format}, {"workers", log_workers}}}};
    if (strategy == "rolling") config["reload"]["max_surge"] = max_surge;
    if (!protocols.empty()) config["worker"]["protocols"] = protocols;
    if (!leftovers.empty()) config["worker"]["leftovers"] = leftovers;
    if (!drain_to.empty()) config["drain"]["to"] = drain_to;
    if (!cwd.empty()) config["worker"]["cwd"] = cwd;
    if (!log_file.empty()) config["log"]["file"] = log_file;
    if (!log_when_slow.empty()) config["log"]["when_slow"] = nlohmann::json::parse(log_when_slow);
    return config.dump(2);
}

}  // namespace sup::test
