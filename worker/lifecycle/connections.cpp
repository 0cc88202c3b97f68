#include "sup/connections.h"

#include <utility>

#include "sup/worker.h"
#include "worker/lifecycle/connections_core.h"
#include "worker/lifecycle/guarded.h"
#include "worker/lifecycle/internals.h"

namespace sup::worker {

ConnectionsCore::ConnectionsCore(Core& worker, Spoken spoken, ConnectionHandlers handlers)
    : worker_(&worker),
      thread_(worker.shared_thread()),
      spoken_(std::move(spoken)),
      handlers_(std::move(handlers)) {}

void ConnectionsCore::begin(const ListenerChoice& listeners) {
    worker_->add(*this, listeners);
}

void ConnectionsCore::end() {
    std::exchange(worker_, nullptr)->remove(*this);
    handlers_ = {};
    newcomers_ = {};
}

template <typename Handler, typename... Arguments>
void ConnectionsCore::call(const char* name, const Handler& handler, Arguments&&... arguments) {
    if (!handler) return;
    // The handler may destroy its Connections, and itself with them.
    const auto self = shared_from_this();
    const Handler kept = handler;
    guarded("handler `" + std::string(name) + "` of protocol \"" + spoken_.protocol + "\"",
            [&] { kept(std::forward<Arguments>(arguments)...); });
}

struct Connection::Held {
    std::shared_ptr<ConnectionsCore> owner;
    UniqueFd socket;
    const std::string* listener;  // of the worker's list, which does not shrink
    std::string unread;
    std::string state;
    unsigned version;
    bool fresh;

    InboxPacket packet(std::string_view now_unread, std::string_view now_state) const {
        const Spoken& spoken = owner->spoken();
        return {*listener, spoken.protocol, now_unread, now_state, spoken.writes};
    }
};

void ConnectionsCore::take(UniqueFd connection, const Arrival& arrival) {
    ++open_;
    worker_->connection_opened();
    tell_drain_later();
    auto held = std::make_unique<Connection::Held>(Connection::Held{
        shared_from_this(), std::move(connection), &arrival.listener, std::string(arrival.unread),
        std::string(arrival.state), arrival.version, arrival.from == From::listener});
    call("arrived", handlers_.arrived, Connection(std::move(held)));
}

// Who arrives in a drain has come too late for its handlers. Not before it has arrived, nor once for each.
void ConnectionsCore::tell_drain_later() {
    if (!worker_->draining() || newcomers_) return;
    newcomers_ = uv::Timer(worker_->loop(), [this] { tell_drain(); });
    newcomers_.arm(Duration{0});
}

void ConnectionsCore::tell_drain() {
    const auto self = shared_from_this();
    newcomers_ = {};
    if (open_ == 0) return;
    if (worker_->ends_all()) return close_all(Duration{0});
    hand_over();
    if (worker_ != nullptr && worker_->ends_idle(spoken_)) close_idle();
}

void ConnectionsCore::adopt(UniqueFd connection, const std::string& listener, std::string_view unread,
                            std::string_view state) {
    if (worker_ == nullptr) return;
    take(std::move(connection), {.listener = listener,
                                 .from = From::upgrade,
                                 .unread = unread,
                                 .state = state,
                                 .version = spoken_.writes});
}

void ConnectionsCore::hand_over() {
    call("move", handlers_.move);
}

std::size_t ConnectionsCore::put_back(std::size_t count) {
    const auto self = shared_from_this();
    const std::size_t before = open_;
    if (count > 0) call("spare", handlers_.spare, count);
    return before > open_ ? before - open_ : 0;
}

void ConnectionsCore::close_idle() {
    call("end_idle", handlers_.end_idle);
}

void ConnectionsCore::close_all(Duration left) {
    call("end_all", handlers_.end_all, left);
}

std::size_t ConnectionsCore::make_room(std::size_t count) {
    const auto self = shared_from_this();
    const std::size_t before = open_;
    call("make_room", handlers_.make_room, count);
    return before > open_ ? before - open_ : 0;
}

bool ConnectionsCore::moves_on(const std::string& listener) const {
    return worker_ != nullptr && worker_->moves_on(listener, spoken_);
}

HandOver ConnectionsCore::hand_over(const InboxPacket& packet, int socket) {
    return worker_ == nullptr ? HandOver::impossible : worker_->hand_over(packet, socket);
}

bool ConnectionsCore::put_back(const InboxPacket& packet, int socket) {
    return worker_ != nullptr && worker_->put_back(packet, socket);
}

void ConnectionsCore::answered(std::size_t count) {
    if (worker_ != nullptr) worker_->request_served(count);
}

// `how` is for the worker to say where it is not known.
void ConnectionsCore::ended(std::optional<Ended> how) {
    --open_;
    if (worker_ != nullptr) worker_->connection_closed(how.value_or(worker_->ended_now()), spoken_);
}

void ConnectionsCore::check_thread(const char* what) const {
    thread_->check(what);
}

Connection::Connection() noexcept = default;
Connection::Connection(std::unique_ptr<Held> held) noexcept : held_(std::move(held)) {}
Connection::Connection(Connection&& other) noexcept {
    other.check_thread("moving a Connection");
    held_ = std::move(other.held_);
}

void Connection::check_thread(const char* what) const {
    if (held_) held_->owner->check_thread(what);
}

Connection::~Connection() {
    close();
}

Connection& Connection::operator=(Connection&& other) noexcept {
    if (this == &other) return *this;
    other.check_thread("moving a Connection");
    close();
    held_ = std::move(other.held_);
    return *this;
}

int Connection::socket() const {
    check_thread("Connection::socket");
    return held_ ? held_->socket.get() : -1;
}

const std::string& Connection::listener() const {
    static const std::string none;
    check_thread("Connection::listener");
    return held_ ? *held_->listener : none;
}

bool Connection::fresh() const {
    check_thread("Connection::fresh");
    return held_ && held_->fresh;
}

std::string Connection::take_unread() {
    check_thread("Connection::take_unread");
    return held_ ? std::exchange(held_->unread, {}) : std::string{};
}

std::string Connection::take_state() {
    check_thread("Connection::take_state");
    return held_ ? std::exchange(held_->state, {}) : std::string{};
}

unsigned Connection::state_version() const {
    check_thread("Connection::state_version");
    return held_ ? held_->version : 0;
}

// Closed before it is counted: the worker may use its descriptor for the next one.
namespace {

template <typename Held>
void end(std::unique_ptr<Held>& held, std::optional<Ended> how) {
    const std::unique_ptr<Held> gone = std::move(held);
    gone->socket.reset();
    gone->owner->ended(how);
}

}  // namespace

HandOver Connection::hand_over(std::string_view unread, std::string_view state) {
    check_thread("Connection::hand_over");
    if (!held_) return HandOver::impossible;
    const HandOver outcome = held_->owner->hand_over(held_->packet(unread, state), held_->socket.get());
    if (outcome == HandOver::done) end(held_, Ended::handed_over);
    return outcome;
}

bool Connection::put_back(std::string_view unread, std::string_view state) {
    check_thread("Connection::put_back");
    if (!held_) return false;
    if (!held_->owner->put_back(held_->packet(unread, state), held_->socket.get())) return false;
    end(held_, Ended::handed_over);
    return true;
}

bool Connection::moves_on() const {
    check_thread("Connection::moves_on");
    return held_ && held_->owner->moves_on(*held_->listener);
}

void Connection::close() {
    check_thread("Connection::close");
    if (!held_) return;
    end(held_, std::nullopt);
}

void Connection::answered(std::size_t count) {
    check_thread("Connection::answered");
    if (!held_) return;
    held_->owner->answered(count);
}

Connections::Connections(Worker& worker, Spoken spoken, ConnectionHandlers handlers,
                         const ListenerChoice& listeners)
    : core_(std::make_shared<ConnectionsCore>(Internals::core(worker), std::move(spoken),
                                              std::move(handlers))) {
    core_->check_thread("Connections::Connections");
    core_->begin(listeners);
}

Connections::~Connections() {
    core_->check_thread("~Connections");
    core_->end();
}

std::size_t Connections::open() const {
    core_->check_thread("Connections::open");
    return core_->open_connections();
}

}  // namespace sup::worker
