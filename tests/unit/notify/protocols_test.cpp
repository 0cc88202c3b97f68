// The wire formats, as those who read them know them.
#include "master/notify/protocols.h"

#include <unistd.h>

#include "master/notify/worker_environment.h"
#include "tests/catch.h"
#include "tests/temporary_directory.h"
#include "tests/unit/support.h"

using namespace sup;
using config::Protocol;
using Variables = std::map<std::string, std::string>;

namespace {

using Kind = ListenerFacts::Kind;

const ListenerFacts http{"http",
                         Kind::inet,
                         {{"name", "http"},
                          {"fd", "3"},
                          {"address", "127.0.0.1:80"},
                          {"host", "127.0.0.1"},
                          {"port", "80"},
                          {"family", "AF_INET"}}};
const ListenerFacts six{"six",
                        Kind::inet,
                        {{"name", "six"},
                         {"fd", "4"},
                         {"address", "[::1]:80"},
                         {"host", "::1"},
                         {"port", "80"},
                         {"family", "AF_INET6"}}};
const ListenerFacts any{"any",
                        Kind::any,
                        {{"name", "any"},
                         {"fd", "5"},
                         {"address", "[::]:8080"},
                         {"host", "::"},
                         {"port", "8080"},
                         {"family", "AF_INET6"}}};
const ListenerFacts unix_socket{"local",
                                Kind::unix_socket,
                                {{"name", "local"},
                                 {"fd", "6"},
                                 {"address", "unix:/run/x.sock"},
                                 {"path", "/run/.x.sock.1"},
                                 {"public_path", "/run/x.sock"},
                                 {"family", "AF_UNIX"}}};

Variables told(Protocol protocol, std::vector<ListenerFacts> listeners) {
    WorkerVariables worker;
    worker.instance = "shop";
    worker.generation = core::GenerationId{2};
    worker.slot = 1;
    worker.ack_socket = "/run/sup/shop/ack.4";
    worker.listeners = std::move(listeners);
    return protocol_variables(std::vector{protocol}, worker_facts(worker));
}

}  // namespace

TEST_CASE("systemd: a count, and names with colons between") {
    CHECK(told(Protocol::systemd, {http, six}) ==
          Variables{{"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "http:six"}});
    CHECK(told(Protocol::systemd, {}).empty());
}

TEST_CASE("Server::Starter: an address for each descriptor, its port alone for any, and the path") {
    CHECK(told(Protocol::server_starter, {http, six, any, unix_socket}) ==
          Variables{{"SERVER_STARTER_PORT", "127.0.0.1:80=3;[::1]:80=4;8080=5;/run/x.sock=6"},
                    {"SERVER_STARTER_GENERATION", "2"}});
}

TEST_CASE("einhorn: numbered descriptors, who the master is, and where to acknowledge") {
    CHECK(told(Protocol::einhorn, {http, unix_socket}) ==
          Variables{{"EINHORN_FD_COUNT", "2"},
                    {"EINHORN_FD_0", "3"},
                    {"EINHORN_FD_1", "6"},
                    {"EINHORN_FD_FAMILY_0", "AF_INET"},
                    {"EINHORN_FD_FAMILY_1", "AF_UNIX"},
                    {"EINHORN_FDS", "3 6"},
                    {"EINHORN_MASTER_PID", std::to_string(::getpid())},
                    {"EINHORN_CHILD_INDEX", "1"},
                    {"EINHORN_SOCK_PATH", "/run/sup/shop/ack.4"}});
    CHECK(told(Protocol::einhorn, {}).at("EINHORN_FD_COUNT") == "0");
}

TEST_CASE("nginx: each number with its semicolon, the last one too") {
    CHECK(told(Protocol::nginx, {http, six}) == Variables{{"NGINX", "3;4;"}});
    CHECK(told(Protocol::nginx, {}).empty());
}

TEST_CASE("php-fpm: what its listen resolves to, and of a unix socket the path that it may unlink") {
    CHECK(told(Protocol::php_fpm, {http, any, unix_socket}) ==
          Variables{{"FPM_SOCKETS", "127.0.0.1:80=3,:::8080=5,/run/.x.sock.1=6"}});
}

TEST_CASE("with the listener as standard input nothing is said") {
    CHECK(told(Protocol::standard_input, {http}).empty());
}

TEST_CASE("the words about a listener are those of its socket, with the port that the kernel chose") {
    config::Listen settings;
    settings.name = "http";
    settings.address.place = config::InetAddress{"*", 0};
    const auto listener = Listener::bind(settings);
    REQUIRE(listener);
    const ListenerFacts facts = listener_facts(**listener, 7);
    CHECK(facts.kind == Kind::any);
    CHECK(facts.words.at("fd") == "7");
    CHECK(facts.words.at("port") == std::to_string((*listener)->socket()->bound().inet()->port));
    const bool six_there = facts.words.at("family") == "AF_INET6";
    CHECK(facts.words.at("host") == (six_there ? "::" : "0.0.0.0"));
    CHECK(facts.words.at("address") == (six_there ? "[::]:" : "0.0.0.0:") + facts.words.at("port"));
}

TEST_CASE("the path that a worker is told of a unix socket is the private one, and clients' one beside it") {
    const test::TemporaryDirectory folder;
    const std::string path = folder.path() + "/x";
    for (const auto transport : {config::Transport::stream, config::Transport::datagram}) {
        config::Listen settings;
        settings.name = "app";
        settings.address = {transport, config::UnixAddress{path}};
        const auto listener = Listener::bind(settings);
        REQUIRE(listener);
        const ListenerFacts facts = listener_facts(**listener, 3);
        CHECK(facts.kind == Kind::unix_socket);
        CHECK(facts.words.at("path") == test::own_name((*listener)->fd()));
        CHECK(facts.words.at("public_path") == path);
        CHECK(facts.words.at("address") == (*listener)->address());
    }
}
