// A control server with a fake master behind it, and clients on real sockets, all in one thread: whoever
// waits for something turns the loop.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/control/server.h"
#include "tests/temporary_directory.h"

namespace sup::control::test {

inline std::string text(const nlohmann::json& value) {
    return value.dump();
}

class FakeMaster : public ControlHandler {
public:
    std::string status() override {
        ++status_calls;
        return status_result.dump();
    }
    void reload(core::WaitFor wait, Reply reply) override {
        waits.push_back(wait);
        reloads.push_back(std::move(reply));
    }
    void stop(bool now, Reply reply) override {
        stopped_now = now;
        stops.push_back(std::move(reply));
        if (on_stop) on_stop();
    }

    nlohmann::json status_result = {{"name", "hello"}};
    int status_calls = 0;
    std::vector<core::WaitFor> waits;
    std::vector<Reply> reloads;
    std::vector<Reply> stops;
    std::optional<bool> stopped_now;
    std::function<void()> on_stop;
};

class World {
public:
    explicit World(ControlServer::Limits limits = {});

    const std::string& path() const { return path_; }
    // Turns the loop until the condition holds. False: it did not within a generous time.
    bool until(const std::function<bool()>& condition);

    sup::test::TemporaryDirectory directory;
    uv::Loop loop;
    FakeMaster master;
    std::optional<ControlServer> server;

private:
    std::string path_;
};

// A client without any manners of its own.
class RawClient {
public:
    explicit RawClient(World& world) : RawClient(world, world.path()) {}
    RawClient(World& world, const std::string& path);

    bool connected() const { return connected_; }
    int fd() const { return socket_.get(); }
    // All of it, turning the loop where the socket is full.
    void send(const std::string& bytes);
    // The next message; null at the end of the stream or when nothing came.
    nlohmann::json receive();
    // True when the server has let go of this client.
    bool at_end();
    void finish_sending();
    void leave() { socket_.reset(); }

private:
    bool read_some();

    World& world_;
    UniqueFd socket_;
    bool connected_ = false;
    bool end_ = false;
    std::string input_;
};

std::string call(int id, const std::string& method, const std::string& params = "{}");

}  // namespace sup::control::test
