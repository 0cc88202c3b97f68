// A worker with an HTTP server, run by a thread of its own on a port that the kernel chose.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "sup/http/server.h"
#include "sup/worker.h"

namespace sup::test {

class RunningServer {
public:
    explicit RunningServer(http::Handler handler, http::Options options = {}, worker::Options life = {});
    // Drains and waits.
    ~RunningServer();
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    const std::string& address() const { return address_; }
    void drain() { worker_.drain(); }
    // Waits until run() returned.
    int exit_code();
    bool running() const { return running_; }

    worker::Worker& worker() { return worker_; }  // its loop belongs to the other thread
    http::Server& server() { return server_; }
    // Of the server, asked in the loop.
    std::size_t connections() {
        return in_loop([this] { return server_.connections(); });
    }
    std::uint64_t requests() {
        return in_loop([this] { return server_.requests(); });
    }
    std::uint64_t unanswered() {
        return in_loop([this] { return server_.unanswered(); });
    }

private:
    // What `ask` returns in the loop; once run() has returned anywhere.
    template <typename Ask>
    std::invoke_result_t<Ask> in_loop(Ask ask) {
        std::promise<std::invoke_result_t<Ask>> answer;
        if (!worker_.post([&] { answer.set_value(ask()); })) return exit_code(), ask();
        return answer.get_future().get();
    }
    static worker::Options by_hand(worker::Options life);

    worker::Worker worker_;
    http::Server server_;
    std::string address_;
    std::atomic<bool> running_ = true;
    int exit_code_ = -1;
    std::thread thread_;
};

inline RunningServer::RunningServer(http::Handler handler, http::Options options, worker::Options life)
    : worker_(by_hand(std::move(life))), server_(worker_, std::move(handler), std::move(options)) {
    address_ = worker_.listeners().at(0).address;
    thread_ = std::thread([this] {
        exit_code_ = worker_.run();
        running_ = false;
    });
}

inline RunningServer::~RunningServer() {
    exit_code();
}

inline int RunningServer::exit_code() {
    if (thread_.joinable()) {
        worker_.drain();
        thread_.join();
    }
    return exit_code_;
}

inline worker::Options RunningServer::by_hand(worker::Options life) {
    life.listen = {"127.0.0.1:0"};
    life.handle_signals = false;
    return life;
}

}  // namespace sup::test
