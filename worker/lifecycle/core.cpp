#include "worker/lifecycle/core.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <utility>

#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

// A status may be lost when the supervisor is busy, but without READY=1 the worker is killed in the end. It
// can say why before that.
constexpr Duration ready_patience{10'000};

// Each connection takes a descriptor, and the customary soft limit of 1024 is there only for programs that
// use select(2).
std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<std::size_t>::max() / 2;
    const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
    const bool raised = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
    return static_cast<std::size_t>(std::min<rlim_t>(raised ? limit.rlim_cur : before, 1U << 30U));
}

// Somebody's own handler stays.
void ignore_broken_pipes() {
    struct sigaction now {};
    if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

Core::Core(Options options)
    : options_(std::move(options)),
      environment_(take_environment()),
      notify_(environment_.notify_socket),
      announcement_(loop_.get(), notify_, ready_patience,
                    {[this](UniqueFd channel) { open_channel(std::move(channel)); },
                     [this](const Error& error) { cannot_announce(error); }}),
      balance_(loop_.get(), counters_),
      room_(loop_.get(), raise_descriptor_limit(), [this](std::size_t count) { make_room(count); }),
      rebalance_(loop_.get(), [this] { return move_excess(); }),
      drain_request_(loop_.get(), [this] { begin_drain(); }),
      mailbox_(Mailbox::open(loop_.get())),
      offload_(loop_, [this] { check_finished(); }),
      handover_(loop_.get(), balance_,
                {.arrived = [this](const InboxPacket& packet,
                                   UniqueFd socket) { arrived(packet, std::move(socket)); },
                 .malformed = [this](UniqueFd socket) { refuse(std::move(socket)); },
                 .no_descriptor = [this] { room_.inbox_waits(); },
                 .changed = [this] { hand_over_all(); },
                 .replaced = [this] { succession_changed(); },
                 .ask = [this] { read_channel(); },
                 .master_lives = [this] { return master_lives(); }}),
      unreadable_(loop_.get(),
                  [this](const std::string& protocol, std::uint64_t connections) {
                      if (channel_) channel_->send(unreadable_packet(protocol, connections));
                  }),
      lingering_(loop_.get(), [this] { check_finished(); }) {
    if (options_.handle_signals) watch_signals();
    open_listeners();
}

// What was posted and has not run dies here, in the thread that may destroy it.
Core::~Core() {
    mailbox_->close();
}

void Core::open_listeners() {
    Result<std::vector<Listener>> inherited = inherited_listeners(environment_);
    if (!inherited) {
        failure_ = inherited.error();
        return;
    }
    listeners_ = std::move(*inherited);
    const bool by_hand = environment_.listen_fds == 0 && !environment_.under_sup();
    for (std::size_t i = 0; by_hand && i < options_.listen.size(); ++i) {
        Result<Listener> own = listen_on(options_.listen[i], "listen" + std::to_string(i));
        if (!own) {
            failure_ = own.error();
            return;
        }
        listeners_.push_back(std::move(*own));
    }
    for (const Listener& listener : listeners_) {
        const bool datagrams = listener.fd && !listener.stream;
        infos_.push_back({listener.name, listener.address, datagrams ? listener.fd.get() : -1});
    }
}

void Core::watch_signals() {
    ignore_broken_pipes();
    watch_signal(SIGTERM);
    watch_signal(SIGQUIT);
    const int told = environment_.drain_signal;
    if (told != 0 && told != SIGTERM && told != SIGQUIT) watch_signal(told);
    if (!environment_.under_sup() && told != SIGINT) watch_signal(SIGINT);
}

void Core::watch_signal(int number) {
    signals_.emplace_back(loop_.get(), number, [this] { on_drain_signal(); });
}

void Core::on_drain_signal() {
    if (!draining()) return begin_drain();
    // A person who presses Ctrl-C again means it; a supervisor has its own deadline.
    if (!environment_.under_sup()) clock_->hurry();
}

void Core::add(Service& service, const ListenerChoice& listeners) {
    services_.add(service, listeners);
    for (Listener& listener : listeners_) {
        const bool wanted = listeners.is_all() || contains(listeners.names(), listener.name);
        if (!listener.stream || !listener.fd || !wanted) continue;
        const std::string& name = *services_.remember(listener.name);
        Acceptor::Callbacks callbacks;
        callbacks.accepted = [this, &service, &name](UniqueFd connection) {
            counters_.add(&ScoreboardRow::accepts);
            service.take(std::move(connection), {.listener = name});
            room_.taken_by(services_.open_connections());
        };
        callbacks.no_descriptor = [this] { room_.none_free(); };
        callbacks.full = [this] { return full(); };
        callbacks.make_place = [this] { return make_place(); };
        services_.serve(service, std::make_unique<Acceptor>(loop_.get(), std::move(listener.fd),
                                                            listener.name, balance_, std::move(callbacks)));
    }
    for (const std::string& name : listeners.names()) {
        const auto named = [&name](const ListenerInfo& info) { return info.name == name; };
        if (!failure_ && std::none_of(infos_.begin(), infos_.end(), named)) {
            failure_ = Error{"there is no listener named \"" + name + "\""};
        }
    }
}

// Its connections were perhaps the last that a drain waited for.
void Core::remove(Service& service) {
    services_.remove(service);
    if (draining() && stage_ < Stage::finished) check_finished_later(Duration{0});
}

int Core::run() {
    thread_->bind();
    serve();
    offload_.give_up();
    const auto left = mailbox_->close();
    if (!failure_) Mailbox::run(left);
    stage_ = Stage::returned;
    thread_->release();
    if (!failure_) return 0;
    log_line(failure_->message);
    return 1;
}

void Core::serve() {
    if (!failure_ && services_.lacks_listeners()) {
        failure_ = Error{
            environment_.under_sup()
                ? "nothing to serve: sup passed no stream listener (`listen` in its configuration)"
                : "nothing to serve: no stream socket was inherited (LISTEN_FDS), and no address given"};
    }
    if (!failure_ && !services_.empty()) tell_unserved();
    if (!failure_ && options_.ready_at_start) ready();
    if (!failure_) loop_.run();
}

// Its clients connect, and wait for ever.
void Core::tell_unserved() const {
    for (const Listener& listener : listeners_) {
        if (listener.stream && listener.fd)
            log_line("this worker does not serve listener " + listener.name + ", " + listener.address);
    }
}

void Core::ready() {
    if (stage_ != Stage::starting || failure_) return;
    stage_ = Stage::serving;
    services_.each_acceptor([this](Acceptor& acceptor) {
        const Status started = acceptor.start();
        if (!started) failure_ = started.error();
    });
    if (!failure_) {
        counters_.set(&ScoreboardRow::accepting, 1);
        announcement_.begin(notify_ && environment_.under_sup()
                                ? std::optional(spoken_packet(services_.reads()))
                                : std::nullopt);
        if (options_.on_ready) options_.on_ready();
    } else {
        loop_.stop();
    }
}

void Core::open_channel(UniqueFd ours) {
    channel_ = std::make_unique<Channel>(loop_.get(), std::move(ours), [this](ChannelPacket packet) {
        std::visit([this](auto&& one) { use(std::forward<decltype(one)>(one)); }, std::move(packet));
    });
}

void Core::read_channel() {
    if (channel_) channel_->read();
}

// The master may have died, or know by other means when this worker is ready (`worker.ready`); where it waits
// for READY=1, its own deadline ends the worker.
void Core::cannot_announce(const Error& error) {
    log_line("serving, but could not report readiness: " + error.message);
}

void Core::status(std::string_view text) {
    std::string line = "STATUS=";
    line.append(text.substr(0, text.find('\n')));
    const Status told = notify_.send(line);
    if (!told) log_line(told.error().message);
}

void Core::offload(std::function<void()> work, std::function<void()> done) {
    if (stage_ == Stage::returned) return;
    offload_.begin(std::move(work), std::move(done));
}

// A worker that drains takes nobody in, but from its own inbox, and hands over what it has.
void Core::make_room(std::size_t count) {
    if (!draining()) services_.make_room(count);
}

// A drain takes what nobody else will serve, however much that is.
bool Core::full() const {
    const std::size_t most = options_.max_connections;
    return most != 0 && !draining() && services_.living_connections() >= most;
}

bool Core::make_place() {
    const std::size_t most = options_.max_connections;
    services_.make_room(services_.living_connections() + 1 - most);
    if (!full()) return true;
    if (!std::exchange(told_full_, true))
        log_line("max_connections (" + std::to_string(most) +
                 ") connections are open, and none is idle; new ones wait until one ends (logged once)");
    return false;
}

void Core::connection_opened() {
    counters_.set(&ScoreboardRow::connections, services_.open_connections());
    rebalance_.activity();
}

void Core::connection_closed(Ended how, const Spoken& spoken) {
    if (stage_ >= Stage::finished) return;  // counted already, as left over
    counters_.set(&ScoreboardRow::connections, services_.open_connections());
    const bool over = how == Ended::in_order || how == Ended::at_deadline;
    if (draining()) {
        if (over && handover_.is_unreadable(spoken)) unreadable_.add(spoken.protocol);
        switch (how) {
            case Ended::in_order: counters_.add(&ScoreboardRow::drained); break;
            case Ended::at_deadline: counters_.add(&ScoreboardRow::closed); break;
            case Ended::handed_over: counters_.add(&ScoreboardRow::handed_over); break;
            case Ended::upgraded: break;
        }
    }
    connection_ended();
    handover_.connection_closed();
    if (draining()) check_finished();
}

void Core::connection_ended() {
    services_.each_acceptor([](Acceptor& acceptor) { acceptor.connection_closed(); });
}

void Core::request_served(std::size_t count) {
    counters_.add(&ScoreboardRow::requests, count);
    rebalance_.activity();
}

}  // namespace sup::worker
