#include "master/sockets/socket_file.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "master/files/by_descriptor.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;
using config::Transport;

namespace {

namespace fs = std::filesystem;

UniqueFd make_socket() {
    return UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
}

// A socket that listens at the path without sup's doing.
UniqueFd serve(const std::string& path) {
    UniqueFd socket = make_socket();
    const sockaddr_un name = socket_address(path);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    return socket;
}

bool connects(const std::string& path) {
    const UniqueFd client = make_socket();
    const sockaddr_un name = socket_address(path);
    return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode;
}

std::string only_entry(const std::string& folder) {
    const auto entries = fs::directory_iterator(folder);
    REQUIRE(std::distance(begin(entries), end(entries)) == 1);
    return fs::directory_iterator(folder)->path().filename();
}

// This process's socket, before clients find it.
struct SocketFileFixture {
    TemporaryDirectory folder;
    std::string path = folder.path() + "/x.sock";
    UniqueFd socket = make_socket();

    SocketFile bind() {
        auto file = SocketFile::bind(socket.get(), path, Transport::stream);
        if (!file) FAIL(file.error().message);
        REQUIRE(::listen(socket.get(), 1) == 0);
        return std::move(*file);
    }
    bool empty() const { return fs::is_empty(folder.path()); }
};

}  // namespace

TEST_CASE("until it is published, nobody else can get at a socket's file, and it leaves nothing behind") {
    SocketFileFixture fixture;
    REQUIRE(::chmod(fixture.folder.path().c_str(), 0777) == 0);
    {
        const SocketFile file = fixture.bind();
        CHECK(file.set_access({0666, {}, {}}));
        const std::string directory = fixture.folder.path() + "/" + only_entry(fixture.folder.path());
        CHECK(mode_of(directory) == (S_IFDIR | 0700));
        if (::geteuid() == 0) {
            CHECK(as_nobody([&] {
                      return connects(own_name(fixture.socket.get())) ? "connected" : "refused";
                  }) == "refused");
            CHECK(as_nobody([&] {
                      return std::string(::access(directory.c_str(), X_OK) == 0 ? "in" : "out");
                  }) == "out");
        } else {
            skip("only root can be somebody else");
        }
    }
    CHECK(fixture.empty());
}

TEST_CASE("who may write to the folder cannot have another file given away in the socket's place") {
    SocketFileFixture fixture;
    const std::string& folder = fixture.folder.path();
    {
        SocketFile file = fixture.bind();
        // Somebody moves the private directory away, and puts one of his own there, with the same name in it
        // for a file that is not his.
        const std::string name = only_entry(folder);
        fs::rename(folder + "/" + name, folder + "/moved");
        fs::create_directory(folder + "/" + name);
        write_file(folder + "/secret", "x", 0600);
        fs::create_hard_link(folder + "/secret", folder + "/" + name + "/" + name);
        SocketAccess access{0666, {}, {}};
        if (::geteuid() == 0) access.owner = 65534;
        CHECK(file.set_access(access));
        CHECK(file.publish());
        CHECK(mode_of(folder + "/secret") == (S_IFREG | 0600));
        CHECK(mode_of(fixture.path) == (S_IFSOCK | 0666));
        CHECK(connects(fixture.path));
        CHECK(read_file(folder + "/" + name + "/" + name) == "x");
    }
    CHECK_FALSE(fs::exists(fixture.path));
}

TEST_CASE("what has come to the path since it was looked at stays, and is told") {
    SocketFileFixture fixture;
    {
        SocketFile file = fixture.bind();
        const UniqueFd other = serve(fixture.path);
        const Status published = file.publish();
        REQUIRE_FALSE(published);
        CHECK_THAT(published.error().message, Contains("has just appeared"));
        CHECK(connects(fixture.path));
    }
    CHECK(only_entry(fixture.folder.path()) == "x.sock");
}

TEST_CASE("a stale socket is replaced, unless somebody serves the path or has removed it meanwhile") {
    SocketFileFixture fixture;
    serve(fixture.path).reset();
    const auto meanwhile = GENERATE(as<std::string>{}, "nothing", "removed", "served", "a file");
    UniqueFd other;
    {
        SocketFile file = fixture.bind();
        if (meanwhile != "nothing") fs::remove(fixture.path);
        if (meanwhile == "served") other = serve(fixture.path);
        if (meanwhile == "a file") write_file(fixture.path, "precious");
        const Status published = file.publish();
        CHECK(published.ok() == (meanwhile == "nothing" || meanwhile == "removed"));
        CHECK(connects(fixture.path) == (meanwhile != "a file"));
        CHECK(file.in_place() == published.ok());
    }
    if (meanwhile == "nothing" || meanwhile == "removed") {
        CHECK(fixture.empty());
    } else {
        CHECK(only_entry(fixture.folder.path()) == "x.sock");
    }
}

TEST_CASE("owner and group are as wanted, and what they were when they are wanted no more") {
    if (::geteuid() != 0) return skip("only root can give a file away");
    SocketFileFixture fixture;
    SocketFile file = fixture.bind();
    REQUIRE(file.publish());
    const auto access = [&] {
        struct stat status {};
        REQUIRE(::lstat(fixture.path.c_str(), &status) == 0);
        return std::tuple(status.st_mode & 07777, status.st_uid, status.st_gid);
    };
    CHECK(file.set_access({0640, 65534, 65533}));
    CHECK(access() == std::tuple(0640u, 65534u, 65533u));
    CHECK(file.set_access({0660, 65532, {}}));
    CHECK(access() == std::tuple(0660u, 65532u, ::getegid()));
    CHECK(file.set_access({0600, {}, {}}));
    CHECK(access() == std::tuple(0600u, 0u, ::getegid()));
}

TEST_CASE("a file that cannot be given away lets in nobody who was not let in before") {
    SocketFileFixture fixture;
    REQUIRE(::chmod(fixture.folder.path().c_str(), 0777) == 0);
    CHECK(as_nobody([&] {
              SocketFile file = fixture.bind();
              REQUIRE(file.publish());
              REQUIRE(file.set_access({0664, {}, {}}));
              const Status given = file.set_access({0626, 0, {}});
              const bool tighter = (mode_of(fixture.path) & 07777) == 0624;
              return std::string(given ? "given" : tighter ? "refused" : "refused, too late");
          }) == "refused");
    CHECK(fixture.empty());
}
