#include "sup/connections.h"

#include <utility>

#include "sup/worker.h"
#include "worker/lifecycle/core.h"
#include "worker/lifecycle/internals.h"

namespace sup::worker {

// The bridge between the user's handlers and the worker's life.
class ConnectionsCore final : public Service {
public:
    ConnectionsCore(Core& worker, std::string protocol, ConnectionHandlers handlers,
                    const std::vector<std::string>& listeners)
        : worker_(worker), protocol_(std::move(protocol)), handlers_(std::move(handlers)) {
        worker_.add(*this, listeners);
    }
    ~ConnectionsCore() override { worker_.remove(*this); }
    ConnectionsCore(const ConnectionsCore&) = delete;
    ConnectionsCore& operator=(const ConnectionsCore&) = delete;

    const std::string& protocol() const override { return protocol_; }
    std::size_t open_connections() const override { return open_; }

    void take(UniqueFd connection, const std::string& listener, std::string_view unconsumed, From) override {
        ++open_;
        worker_.connection_opened();
        handlers_.arrived({connection.release(), listener, std::string(unconsumed)});
    }

    void drain() override {}
    void hand_over() override {
        if (handlers_.move) handlers_.move();
    }
    std::size_t put_back(std::size_t count) override {
        const std::size_t before = open_;
        if (count > 0 && handlers_.spare) handlers_.spare(count);
        return before > open_ ? before - open_ : 0;
    }
    void close_idle() override {
        if (handlers_.end_idle) handlers_.end_idle();
    }
    void close_all(Duration left) override {
        if (handlers_.end_all) handlers_.end_all(left);
    }

    bool moves_on(const std::string& listener) const { return worker_.moves_on(listener); }

    HandOver hand_over(int socket, const std::string& listener, std::string_view unconsumed) {
        const HandOver outcome = worker_.hand_over({listener, protocol_, unconsumed}, socket);
        if (outcome == HandOver::done) gone(socket);
        return outcome;
    }

    bool put_back(int socket, const std::string& listener, std::string_view unconsumed) {
        if (!worker_.put_back({listener, protocol_, unconsumed}, socket)) return false;
        gone(socket);
        return true;
    }

    void closed(Ended how) {
        --open_;
        worker_.connection_closed(how);
    }

private:
    void gone(int socket) {
        UniqueFd(socket).reset();
        closed(Ended::handed_over);
    }

    Core& worker_;
    std::string protocol_;
    ConnectionHandlers handlers_;
    std::size_t open_ = 0;
};

Connections::Connections(Worker& worker, std::string protocol, ConnectionHandlers handlers,
                         const std::vector<std::string>& listeners)
    : core_(std::make_unique<ConnectionsCore>(Internals::core(worker), std::move(protocol),
                                              std::move(handlers), listeners)) {}
Connections::~Connections() = default;

bool Connections::moves_on(const std::string& listener) const {
    return core_->moves_on(listener);
}

HandOver Connections::hand_over(int socket, const std::string& listener, std::string_view unconsumed) {
    return core_->hand_over(socket, listener, unconsumed);
}

bool Connections::put_back(int socket, const std::string& listener, std::string_view unconsumed) {
    return core_->put_back(socket, listener, unconsumed);
}

void Connections::closed(bool at_deadline) {
    core_->closed(at_deadline ? Ended::at_deadline : Ended::in_order);
}

std::size_t Connections::open() const {
    return core_->open_connections();
}

}  // namespace sup::worker
