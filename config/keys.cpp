#include "config/keys.h"

#include <cstddef>

#include "config/display.h"
#include "config/special_values.h"

namespace sup::config {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t largest_backlog = 1'000'000;
constexpr std::int64_t most_draining = 100;
constexpr std::int64_t most_old_logs = 1000;
constexpr std::uint64_t largest_log = std::uint64_t{1} << 40U;
constexpr std::uint64_t smallest_queue = std::uint64_t{4} << 10U;
constexpr std::uint64_t largest_queue = std::uint64_t{1} << 30U;

// Kinds of sockets. A pattern tells kinds apart; what is an address at all is for the parser to say.

constexpr SocketKinds accepting{
    "sockets that accept connections",
    [](const Listen& listen, std::string_view) { return listen.address.transport == Transport::stream; },
    R"(^([*0-9\[]|unix:))"};

constexpr SocketKinds tcp_or_udp{
    "TCP and UDP", [](const Listen& listen, std::string_view) { return listen.address.inet() != nullptr; },
    R"(^(udp:)?[*0-9\[])"};

constexpr SocketKinds tcp{"TCP",
                          [](const Listen& listen, std::string_view) {
                              return listen.address.inet() != nullptr &&
                                     listen.address.transport == Transport::stream;
                          },
                          R"(^[*0-9\[])"};

constexpr SocketKinds with_file{
    "unix sockets with a path",
    [](const Listen& listen, std::string_view) { return listen.address.path() != nullptr; },
    R"(^unix(-dgram)?:[^@])"};

// Judged by what was written, because "[::]" with ipv6only false has become "*".
constexpr SocketKinds every_ipv6_address{"the address [::]",
                                         [](const Listen& listen, std::string_view written) {
                                             const InetAddress* inet = listen.address.inet();
                                             return inet != nullptr &&
                                                    inet->host == (listen.ipv6only ? "::" : "*") &&
                                                    written.find('[') != written.npos;
                                         },
                                         R"(\[[0:.]+\]:[0-9]+$)"};

// Names of choices, in the order of their enums.

constexpr std::array<std::string_view, 2> leftovers{"end", "leave"};
constexpr std::array<std::string_view, 4> drain_targets{"auto", "main", "ready", "group"};
constexpr std::array<std::string_view, 2> strategies{"replace", "rolling"};
constexpr std::array<std::string_view, 4> log_levels{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> log_formats{"text", "json"};
constexpr std::array<std::string_view, 2> worker_outputs{"capture", "inherit"};

// Fields that are not simply a member.

constexpr Field<CommandLine> command_line{
    [](Config& config, const CommandLine& command) {
        config.worker.program = command.program;
        config.worker.arguments = command.arguments;
    },
    [](const Config& config) -> std::optional<CommandLine> {
        return CommandLine{config.worker.program, config.worker.arguments};
    }};

constexpr Field<std::size_t> end_or_leave{
    [](Config& config, const std::size_t& choice) { config.worker.end_leftovers = choice == 0; },
    [](const Config& config) -> std::optional<std::size_t> { return config.worker.end_leftovers ? 0 : 1; }};

// The table.

constexpr std::array listen_keys{
    Key{.name = "name",
        .type = types::Name{at<&Config::listen, &Listen::name>},
        .default_words = "`listen0`, `listen1`, … by place",
        .examples = {R"("http")"},
        .summary = "What workers (`LISTEN_FDNAMES`) and `sup status` call this socket.",
        .details = "Each listener has a name of its own."},
    Key{.name = "address",
        .type = types::Address{at<&Config::listen, &Listen::address>},
        .required = true,
        .examples = {R"("127.0.0.1:8080")", R"("[::1]:8080")", R"("*:8080")", R"("udp:*:53")",
                     R"("unix:/run/app.sock")", R"("unix:@app")", R"("unix-dgram:/run/app.log")"},
        .summary = "TCP `127.0.0.1:80`, `[::1]:80`, `*:80` (IPv6 and IPv4); UDP `udp:127.0.0.1:53`; unix "
                   "`unix:/run/x.sock`, `unix-dgram:/run/x.sock`, abstract `unix:@name`.",
        .details =
            "The host is a literal address. With port 0 the kernel chooses one, and reloads keep it. A "
            "stale unix socket at the path is replaced, and the file is removed at stop; a path or name "
            "has at most 107 bytes."},
    Key{.name = "backlog",
        .type = types::Whole{{1, largest_backlog}, at<&Config::listen, &Listen::backlog>},
        .only_for = &accepting,
        .examples = {"1024"},
        .summary = "How many connections may wait to be accepted.",
        .details =
            "The kernel caps it at `net.core.somaxconn`. sup restores it when a worker has changed it."},
    Key{.name = "nonblock",
        .type = types::Flag{at<&Config::listen, &Listen::nonblock>},
        .summary = "Whether the socket has O_NONBLOCK set when a worker inherits it.",
        .details = "Most servers set what they need themselves."},
    Key{.name = "ipv6only",
        .type = types::Flag{at<&Config::listen, &Listen::ipv6only>},
        .only_for = &every_ipv6_address,
        .summary = "`false` takes IPv4 as well, like `*:80`."},
    Key{.name = "reuseport",
        .type = types::Flag{at<&Config::listen, &Listen::reuseport>},
        .only_for = &tcp_or_udp,
        .summary = "A socket for each slot (SO_REUSEPORT) instead of one that all workers share.",
        .details =
            "The kernel spreads clients over them. Each slot's next worker gets the same socket, so what "
            "is queued for a worker waits for its successor."},
    Key{.name = "tcp_nodelay",
        .type = types::Flag{at<&Config::listen, &Listen::tcp_nodelay>},
        .default_words = "left as it is",
        .only_for = &tcp,
        .summary = "TCP_NODELAY, which accepted connections inherit."},
    Key{.name = "fastopen",
        .type = types::Whole{{0, largest_backlog}, at<&Config::listen, &Listen::fastopen>},
        .default_words = "left as it is",
        .only_for = &tcp,
        .examples = {"256"},
        .summary = "How many TCP Fast Open connections may wait for their handshake; 0 is off.",
        .details = "The sysctl `net.ipv4.tcp_fastopen` must allow it (2)."},
    Key{.name = "defer_accept",
        .type = types::Time{0ms, at<&Config::listen, &Listen::defer_accept>},
        .default_words = "left as it is",
        .only_for = &tcp,
        .examples = {R"("5s")"},
        .summary = "How long the kernel waits for a connection's first bytes before it is accepted.",
        .details = "In whole seconds (TCP_DEFER_ACCEPT); `\"0s\"` is off."},
    Key{.name = "mode",
        .type = types::Mode{at<&Config::listen, &Listen::access, &FileAccess::mode>},
        .only_for = &with_file,
        .examples = {R"("0660")"},
        .summary = "The permissions of the socket's file, in octal.",
        .details = "Clients need write permission."},
    Key{.name = "owner",
        .type = types::Account{R"(a user such as "www-data" or "33")",
                               at<&Config::listen, &Listen::access, &FileAccess::owner>},
        .default_words = "the user of sup",
        .only_for = &with_file,
        .examples = {R"("www-data")"},
        .summary = "The user of the socket's file, by name or number.",
        .details = "Only root can give a file away."},
    Key{.name = "group",
        .type = types::Account{R"(a group such as "www-data" or "33")",
                               at<&Config::listen, &Listen::access, &FileAccess::group>},
        .default_words = "the group of sup",
        .only_for = &with_file,
        .examples = {R"("www-data")"},
        .summary = "The group of the socket's file, by name or number."},
};
constexpr Section listen_section{listen_keys};

constexpr std::array worker_keys{
    Key{.name = "command",
        .type = types::Command{command_line},
        .required = true,
        .examples = {R"(["./server"])", R"(["gunicorn", "--bind", "fd://{fd:http}", "app:app"])"},
        .summary = "Program and arguments, without a shell.",
        .details =
            "A program with a slash is a path relative to the folder of the file; without one it is looked "
            "up in PATH. "
            "Arguments may have placeholders: `{fd:LISTENER}`, `{address:LISTENER}`, `{host:LISTENER}`, "
            "`{port:LISTENER}`, `{path:LISTENER}` (unix sockets), `{generation}`, `{slot}`, `{instance}`; "
            "`{{` stands for a brace."},
    Key{.name = "count",
        .type = types::Count{at<&Config::worker, &Worker::count>},
        .examples = {"4", R"("auto")"},
        .summary = "How many workers serve at once; `\"auto\"`: one for each CPU that sup may use.",
        .details = "The affinity mask and the control groups' CPU quota say how many those are."},
    Key{.name = "cwd",
        .type = types::Path{at<&Config::worker, &Worker::cwd>},
        .default_words = "the folder of the file",
        .examples = {R"("releases/current")"},
        .summary = "The workers' working directory."},
    Key{.name = "env",
        .type = types::Environment{at<&Config::worker, &Worker::env>},
        .examples = {R"({ "PORT": "{port:http}" })"},
        .summary = "Environment variables for the workers, in addition to those of sup itself.",
        .details = "Values may have the placeholders of the command's arguments."},
    Key{.name = "protocols",
        .type = types::Protocols{at<&Config::worker, &Worker::protocols>},
        .examples = {R"(["systemd", "server-starter"])"},
        .summary = "How workers are told about their listeners.",
        .details =
            "`systemd` (`LISTEN_FDS`), `server-starter` (`SERVER_STARTER_PORT`), `einhorn` (`EINHORN_FD_0`), "
            "`nginx` (`NGINX`), `php-fpm` (`FPM_SOCKETS`). `stdin` cannot be combined with others: the one "
            "listener is descriptor 0."},
    Key{.name = "ready",
        .type = types::Readiness{at<&Config::worker, &Worker::ready>},
        .examples = {R"("notify")", R"("2s")", R"({ "fd": 4 })"},
        .summary = "When a new worker counts as ready.",
        .details =
            "`\"notify\"`: when it sends READY=1 to `NOTIFY_SOCKET` (sd_notify). `\"einhorn-ack\"`: when it "
            "sends its ack to `EINHORN_SOCK_PATH`; the default with the protocol `einhorn`. `{ \"fd\": N }`: "
            "when "
            "it writes a newline to descriptor N, as under s6. A duration, shorter than `ready_timeout`: "
            "once it "
            "has lived that long."},
    Key{.name = "ready_timeout",
        .type = types::Time{1ms, at<&Config::worker, &Worker::ready_timeout>},
        .examples = {R"("2m")"},
        .summary = "A worker that is not ready after this time fails, and with it the reload.",
        .details = "The old generation keeps serving."},
    Key{.name = "leftovers",
        .type = types::Choice{leftovers, end_or_leave},
        .summary = "What happens to processes that outlive their worker in sessions of their own.",
        .details =
            "`\"end\"`: they get SIGTERM, and a second later SIGKILL. `\"leave\"`: they stay. A worker that "
            "starts something meant to outlive it should ask another manager to run it (`systemd-run`)."},
};
constexpr Section worker_section{worker_keys};

constexpr std::array drain_keys{
    Key{.name = "to",
        .type = types::Choice{drain_targets, at<&Config::drain, &Drain::to>},
        .summary = "Which of a worker's processes gets the drain signal.",
        .details =
            "`\"auto\"`: the one that `MAINPID=` named; else the main process, unless the signal would just "
            "end it (a script that does not `exec` its server) and another of the worker's processes has "
            "sent READY=1: then that one. `\"main\"`: the process that sup started. `\"ready\"`: the one "
            "that sent READY=1. `\"group\"`: all processes of its group."},
    Key{.name = "signal",
        .type = types::Signal{at<&Config::drain, &Drain::signal>},
        .examples = {R"("SIGTERM")", R"("SIGQUIT")", R"("SIGINT")", R"("SIGHUP")", R"("SIGUSR1")",
                     R"("SIGUSR2")", R"("SIGWINCH")"},
        .summary =
            "The signal that asks a worker to stop accepting, to finish what it has begun, and to exit."},
    Key{.name = "timeout",
        .type = types::Time{1ms, at<&Config::drain, &Drain::timeout>},
        .examples = {R"("60s")"},
        .summary = "A worker that still runs this long after the signal is killed, with its process group.",
        .details = "What it was doing then is lost, and logged."},
};
constexpr Section drain_section{drain_keys};

constexpr std::array reload_keys{
    Key{.name = "strategy",
        .type = types::Choice{strategies, at<&Config::reload, &Reload::strategy>},
        .summary =
            "`\"replace\"`: all new workers are ready before the first old one drains; `\"rolling\"`: slot "
            "by slot.",
        .details = "With `\"replace\"` both generations run at once for a moment. `\"rolling\"` is for "
                   "services that do "
                   "not fit in memory twice; a failure midway gives the slots back to the old generation."},
    Key{.name = "max_surge",
        .type = types::Whole{{1, most_workers}, at<&Config::reload, &Reload::max_surge>},
        .only_for = Setting{"strategy", "rolling", R"(, but the strategy is "replace")"},
        .examples = {"2"},
        .summary = "How many slots change at once.",
        .details = "There may be this many workers beyond `worker.count`, draining ones included."},
    Key{.name = "soak",
        .type = types::Time{0ms, at<&Config::reload, &Reload::soak>},
        .default_words = "`\"1s\"`; with `\"rolling\"` for the first step, and `\"10ms\"` for the later ones",
        .examples = {R"("10s")"},
        .summary = "How long both generations serve together before the promotion.",
        .details =
            "With `\"rolling\"`: each new worker and the one that it replaces. A new worker that dies in "
            "that time ends the reload, and the old generation stays; a crash within 10 ms always does. A "
            "start does not wait for it."},
    Key{.name = "max_draining",
        .type = types::Whole{{1, most_draining}, at<&Config::reload, &Reload::max_draining>},
        .examples = {"2"},
        .summary = "How many old generations may drain at once; the next reload waits."},
};
constexpr Section reload_section{reload_keys};

constexpr std::array restart_keys{
    Key{.name = "min_uptime",
        .type = types::Time{0ms, at<&Config::restart, &Restart::min_uptime>},
        .examples = {R"("10s")"},
        .summary = "A worker that lived at least this long is started again without delay."},
    Key{.name = "backoff_min",
        .type = types::Time{1ms, at<&Config::restart, &Restart::backoff_min>},
        .examples = {R"("500ms")"},
        .summary = "The first delay; it doubles each time.",
        .details = "Not above `backoff_max`."},
    Key{.name = "backoff_max",
        .type = types::Time{1ms, at<&Config::restart, &Restart::backoff_max>},
        .examples = {R"("1m")"},
        .summary = "The longest delay.",
        .details = "Not below `backoff_min`."},
};
constexpr Section restart_section{restart_keys};

constexpr std::array when_slow_keys{
    Key{.name = "wait",
        .type = types::Patience{at<&Config::log, &Log::when_slow, &WhenSlow::wait>},
        .examples = {R"("10s")", R"("forever")"},
        .summary = "How long a worker whose pipe is full waits for the log's reader.",
        .details = "Then its lines are dropped, and counted in the log. `\"forever\"`: as long as it takes."},
    Key{.name = "queue",
        .type = types::Size{{smallest_queue, largest_queue},
                            at<&Config::log, &Log::when_slow, &WhenSlow::queue_bytes>},
        .examples = {R"("64MiB")"},
        .summary = "How much of the workers' output waits in sup before their pipes are left unread."},
};
constexpr Section when_slow_section{when_slow_keys};

constexpr Setting captured{"workers", "capture",
                           R"(: with "inherit" the output of workers does not pass through sup)"};

constexpr std::array log_keys{
    Key{.name = "level",
        .type = types::Choice{log_levels, at<&Config::log, &Log::level>},
        .summary = "The least important kind of message that is written."},
    Key{.name = "format",
        .type = types::Choice{log_formats, at<&Config::log, &Log::format>},
        .summary = "Lines for people, or one JSON object a line for programs."},
    Key{.name = "workers",
        .type = types::Choice{worker_outputs, at<&Config::log, &Log::workers>},
        .summary = "`\"capture\"`: the workers' output goes into the log, line by line; `\"inherit\"`: it "
                   "goes where "
                   "sup's own goes.",
        .details =
            "A captured line shows the generation, slot and pid. With `\"inherit\"` (in the background that "
            "is the log's file) sup does not limit what workers write: set `log.file`, and rotate it, best "
            "by copying and truncating, since workers keep a renamed file until the next reload."},
    Key{.name = "file",
        .type = types::Path{at<&Config::log, &Log::file>},
        .default_words = "standard error; in the background `sup.log` in the runtime folder",
        .examples = {R"("/var/log/shop.log")"},
        .summary = "Where the log goes.",
        .details =
            "SIGUSR1 reopens it, and a file that was removed or moved away is reopened, too. If a reload "
            "changes it, the log moves at the promotion. `/dev/stdout`, `/dev/stderr`, `/dev/fd/N` and "
            "`/proc/self/fd/N` are the descriptors that sup was started with; in the background there are "
            "none, "
            "and the default applies."},
    Key{.name = "max_size",
        .type = types::Size{{0, largest_log}, at<&Config::log, &Log::max_size>},
        .default_words = "`\"64MiB\"`; `\"16MiB\"` in the runtime folder, which may be in memory",
        .only_for = captured,
        .examples = {R"("256MiB")"},
        .summary = "How large the file may become before it is renamed to `FILE.1`; `\"0\"`: no limit.",
        .details = "The old `FILE.1` becomes `FILE.2`, and so on."},
    Key{.name = "keep",
        .type = types::Whole{{0, most_old_logs}, at<&Config::log, &Log::keep>},
        .default_words = "4; 1 in the runtime folder",
        .only_for = captured,
        .examples = {"10"},
        .summary = "How many older files are kept (`FILE.1`, `FILE.2`, …)."},
    Key{.name = "when_slow",
        .type = types::Object{&when_slow_section},
        .only_for = captured,
        .summary = "What happens to the workers' lines when nobody reads the log."},
};
constexpr Section log_section{log_keys};

constexpr std::array root_keys{
    Key{.name = "$schema",
        .type = types::Ignored{"the address of a JSON schema"},
        .examples = {R"("./sup.schema.json")"},
        .summary = "Where the JSON schema is, for editors.",
        .details = "sup does not look at it; `sup schema` prints the schema."},
    Key{.name = "name",
        .type = types::Name{at<&Config::name>},
        .default_words = "the file's name without its extension",
        .examples = {R"("shop")"},
        .summary =
            "The instance's name: what `sup reload NAME` and the folder of its runtime files are called.",
        .details = "1 to 64 of the characters A-Z a-z 0-9 . _ -, other than `.` and `..`."},
    Key{.name = "listen",
        .type = types::Listeners{&listen_section},
        .required = true,
        .examples = {R"([{ "address": "127.0.0.1:8080" }])"},
        .summary = "The sockets that sup binds once and holds open for its whole life.",
        .details = "Each worker inherits all of them, in this order, from descriptor 3 on (`LISTEN_FDS`). "
                   "`[]` for a "
                   "service without sockets."},
    Key{.name = "worker",
        .type = types::Object{&worker_section},
        .required = true,
        .examples = {R"({ "command": ["./server"] })"},
        .summary = "The processes that do the work.",
        .details = "Each generation runs `count` of them from the program that was on disk when it began."},
    Key{.name = "drain",
        .type = types::Object{&drain_section},
        .summary = "How an old worker is told to finish."},
    Key{.name = "reload",
        .type = types::Object{&reload_section},
        .summary = "How a new generation takes over."},
    Key{.name = "restart",
        .type = types::Object{&restart_section},
        .summary = "How a worker that dies is started again.",
        .details =
            "At once if it had lived long enough, else after a delay that doubles each time. sup never "
            "gives up on a worker while the instance runs."},
    Key{.name = "log",
        .type = types::Object{&log_section},
        .summary = "What sup writes about itself, and what happens to the workers' output."},
};
constexpr Section whole_file{root_keys};

void list_keys(const Section& section, const std::string& prefix, std::vector<std::string>& out) {
    for (const Key& key : section.keys) {
        const std::string pointer = prefix + pointer_token(key.name);
        out.push_back(pointer);
        if (const Section* inner = section_of(key)) list_keys(*inner, pointer, out);
    }
}

}  // namespace

const Section& root_section() {
    return whole_file;
}

const Section* section_of(const Key& key) {
    if (const auto* object = std::get_if<types::Object>(&key.type)) return object->section;
    if (const auto* listeners = std::get_if<types::Listeners>(&key.type)) return listeners->section;
    return nullptr;
}

std::vector<std::string> known_keys() {
    std::vector<std::string> all;
    list_keys(whole_file, "", all);
    return all;
}

}  // namespace sup::config
