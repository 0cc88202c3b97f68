// Files as answers: what HTTP says about them. How the bytes travel: connection_files_test.cpp.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "tests/catch.h"
#include "tests/unit/worker/captured_log.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/running_server.h"
#include "tests/unit/worker/wire.h"
#include "worker/http/date.h"

using sup::UniqueFd;
using sup::http::FileOptions;
using sup::http::Request;
using sup::http::Response;
using sup::test::Answer;
using sup::test::CapturedLog;
using sup::test::Client;
using sup::test::contains;
using sup::test::get;
using sup::test::RunningServer;
using sup::test::Wire;

namespace {

constexpr std::time_t modified = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT

UniqueFd memory_file(const std::string& content) {
    UniqueFd file(::memfd_create("file", MFD_CLOEXEC));
    REQUIRE(::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    const std::array<timespec, 2> times{timespec{modified, 0}, timespec{modified, 0}};
    REQUIRE(::futimens(file.get(), times.data()) == 0);
    return file;
}

// Serves ten bytes as "/", none as "/empty", without ranges as "/whole".
class FileServer {
public:
    FileServer()
        : server_([this](Request& request, Response response) {
              const UniqueFd& file = request.path() == "/empty" ? empty_ : ten_;
              FileOptions options;
              options.content_type = "text/x";
              options.etag = "\"v1\"";
              options.ranges = request.path() != "/whole";
              if (!response.send_file(::dup(file.get()), options)) sent_ = false;
          }) {}
    ~FileServer() { CHECK(sent_); }

    // Each on the same connection, which must survive.
    Answer ask(const std::string& headers, const std::string& path = "/", const std::string& method = "GET") {
        client_.send(method + " " + path + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n");
        return client_.receive(method == "HEAD");
    }

private:
    UniqueFd ten_ = memory_file("0123456789");
    UniqueFd empty_ = memory_file("");
    std::atomic<bool> sent_ = true;
    RunningServer server_;
    Client client_{server_.address()};
};

}  // namespace

TEST_CASE("a file is sent with what a client needs to ask for a part of it, or whether it changed") {
    FileServer server;
    const Answer whole = server.ask("");
    CHECK(whole.status == 200);
    CHECK(whole.body == "0123456789");
    for (const char* header :
         {"Content-Type: text/x\r\n", "Content-Length: 10\r\n", "ETag: \"v1\"\r\n",
          "Accept-Ranges: bytes\r\n", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"}) {
        CHECK(contains(whole.head, header));
    }
    const Answer head = server.ask("Range: bytes=0-1\r\n", "/", "HEAD");
    CHECK(head.status == 200);
    CHECK(contains(head.head, "Content-Length: 10\r\n"));
    CHECK(server.ask("", "/empty").body.empty());
    CHECK(server.ask("").status == 200);
}

TEST_CASE("a range is sent as in RFC 9110, and an invalid one is ignored") {
    FileServer server;
    const auto [range, part] = GENERATE(table<std::string, std::string>({
        {"bytes=0-0", "0"},
        {"bytes=2-4", "234"},
        {"bytes=7-", "789"},
        {"bytes=-3", "789"},
        {"bytes=-100", "0123456789"},
        {"bytes=5-99999999999999999999999", "56789"},
        {"BYTES=1-1", "1"},
    }));
    const Answer answer = server.ask("Range: " + range + "\r\n");
    CAPTURE(range);
    CHECK(answer.status == 206);
    CHECK(answer.body == part);
    const std::string first = part.substr(0, 1);
    const std::string last = part.substr(part.size() - 1);
    CHECK(contains(answer.head, "Content-Range: bytes " + first + "-" + last + "/10\r\n"));
    CHECK(server.ask("Range: " + range + "\r\n", "/whole").status == 200);
    CHECK_FALSE(contains(server.ask("", "/whole").head, "Accept-Ranges"));
}

TEST_CASE("an invalid range gives the whole file, one beyond its end is refused") {
    FileServer server;
    for (const char* none :
         {"bytes=4-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "bytes 1-2", "lines=1-2", "bytes=1",
          "bytes=1-2x", "bytes=--1", "bytes=1-2\r\nRange: bytes=3-4"}) {
        CAPTURE(none);
        const Answer answer = server.ask(std::string("Range: ") + none + "\r\n");
        CHECK(answer.status == 200);
        CHECK(answer.body == "0123456789");
    }
    for (const char* beyond : {"bytes=10-", "bytes=99-100", "bytes=-0", "bytes=99999999999999999999-"}) {
        CAPTURE(beyond);
        const Answer answer = server.ask(std::string("Range: ") + beyond + "\r\n");
        CHECK(answer.status == 416);
        CHECK(contains(answer.head, "Content-Range: bytes */10\r\n"));
    }
    for (const char* any : {"bytes=0-", "bytes=-1"})
        CHECK(server.ask(std::string("Range: ") + any + "\r\n", "/empty").status == 416);
    CHECK(server.ask("").body == "0123456789");
}

TEST_CASE("what a client has already is not sent again, and what it does not expect not at all") {
    FileServer server;
    const std::string then = "Sun, 06 Nov 1994 08:49:37 GMT";
    const std::string before = "Sun, 06 Nov 1994 08:49:36 GMT";
    const auto [headers, status] = GENERATE_COPY(table<std::string, int>({
        {"If-None-Match: \"v1\"\r\n", 304},
        {"If-None-Match: \"v0\", W/\"v1\"\r\n", 304},
        {"If-None-Match: \"a,b\"\r\nIf-None-Match: \"v1\"\r\n", 304},
        {"If-None-Match: *\r\n", 304},
        {"If-None-Match: \"v2\"\r\n", 200},
        {"If-None-Match: \"v2\"\r\nIf-Modified-Since: " + then + "\r\n", 200},
        {"If-Modified-Since: " + then + "\r\n", 304},
        {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 304},
        {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", 304},
        {"If-Modified-Since: " + before + "\r\n", 200},
        {"If-Modified-Since: yesterday\r\n", 200},
        {"If-Match: \"v1\"\r\n", 200},
        {"If-Match: *\r\n", 200},
        {"If-Match: W/\"v1\"\r\n", 412},
        {"If-Match: \"v2\"\r\n", 412},
        {"If-Unmodified-Since: " + then + "\r\n", 200},
        {"If-Unmodified-Since: " + before + "\r\n", 412},
        {"Range: bytes=1-2\r\nIf-Range: \"v1\"\r\n", 206},
        {"Range: bytes=1-2\r\nIf-Range: W/\"v1\"\r\n", 200},
        {"Range: bytes=1-2\r\nIf-Range: \"v2\"\r\n", 200},
        {"Range: bytes=1-2\r\nIf-Range: " + then + "\r\n", 206},
        {"Range: bytes=1-2\r\nIf-Range: " + before + "\r\n", 200},
        {"Range: bytes=1-2\r\nIf-None-Match: \"v1\"\r\n", 304},
    }));
    CAPTURE(headers);
    const Answer answer = server.ask(headers);
    CHECK(answer.status == status);
    if (status == 304) CHECK(contains(answer.head, "ETag: \"v1\"\r\n"));
    if (status == 304) CHECK(answer.body.empty());
    CHECK(server.ask("").status == 200);
}

TEST_CASE("what is not a regular file is not sent, and the handler may answer something else") {
    const CapturedLog log;
    Wire wire([](const Request&, Response response) {
        std::array<int, 2> pipe{};
        REQUIRE(::pipe(pipe.data()) == 0);
        ::close(pipe[1]);
        CHECK_FALSE(response.send_file(pipe[0]));
        CHECK(::fcntl(pipe[0], F_GETFD) == -1);
        CHECK_FALSE(response.send_file(-1));
        CHECK_FALSE(response.send_file(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
        CHECK_FALSE(response.send_file(::open("/dev/zero", O_RDONLY | O_CLOEXEC)));
        CHECK_FALSE(response.send_file(::open("/proc/self/exe", O_PATH | O_CLOEXEC)));
        CHECK_FALSE(response.send_file(::open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)));
        response.send(404, "");
    });
    CHECK(contains(wire.give(get("/")), "404 Not Found"));
    CHECK(contains(log.text(), "not given a regular file"));
}

TEST_CASE("a date is read in each of its forms, and nothing else is one") {
    using sup::http::parse_date;
    for (const char* form :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
        CHECK(parse_date(form) == modified);
    }
    for (const char* none : {"", "Sun", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT",
                             "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                             "Sun, 06 Nov 1994 08:49 GMT", ",,,,,,"}) {
        CAPTURE(none);
        CHECK_FALSE(parse_date(none));
    }
}

namespace {

// What is sent of a file of ten bytes by a handler that `tells` something of it before.
std::string sent_of_file(const UniqueFd& file, const std::function<void(Response&)>& tells,
                         const std::string& headers, const FileOptions& options = {}) {
    Wire wire([&](Request&, Response response) {
        tells(response);
        CHECK(response.send_file(::dup(file.get()), options));
    });
    return wire.give(get("/", headers)).substr(0, 4096);
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace

TEST_CASE("what a handler tells of its file is told once, and counts") {
    const UniqueFd file = memory_file("0123456789");
    const CapturedLog log;
    const auto tells = [](Response& response) {
        CHECK(response.header("etag", "\"mine\""));
        CHECK(response.header("last-modified", "Sun, 06 Nov 1994 08:49:38 GMT"));
        CHECK(response.header("accept-ranges", "none"));
        CHECK(response.header("Content-Range", "bytes 0-0/1"));
        CHECK_FALSE(response.header("ETag", "\"other\""));
        CHECK_FALSE(response.header("Last-Modified", "Sun, 06 Nov 1994 08:49:39 GMT"));
        CHECK_FALSE(response.header("ETag", "bare"));
    };
    const std::string whole = sent_of_file(file, tells, "");
    CHECK(contains(whole, "HTTP/1.1 200"));
    CHECK(contains(whole, "etag: \"mine\"\r\n"));
    CHECK(contains(whole, "last-modified: Sun, 06 Nov 1994 08:49:38 GMT\r\n"));
    CHECK_FALSE(contains(whole, "ETag:"));
    CHECK_FALSE(contains(whole, "Last-Modified:"));
    CHECK_FALSE(contains(whole, "Accept-Ranges:"));
    CHECK_FALSE(contains(whole, "Content-Range"));
    const std::string part = sent_of_file(file, tells, "Range: bytes=1-2\r\nIf-Range: \"mine\"\r\n");
    CHECK(contains(part, "HTTP/1.1 206"));
    CHECK(count_of(part, "Content-Range: ") == 1);
    CHECK(contains(part, "Content-Range: bytes 1-2/10\r\n"));
    CHECK(contains(sent_of_file(file, tells, "If-None-Match: \"mine\"\r\n"), "HTTP/1.1 304"));
    CHECK(contains(sent_of_file(file, tells, "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
                   "HTTP/1.1 412"));
    CHECK(contains(log.text(), "a second ETag or Last-Modified was left out"));
    CHECK(contains(log.text(), "send_file() tells Content-Range itself"));
}

TEST_CASE("an ETag that is none is not sent, wherever it comes from") {
    const UniqueFd file = memory_file("0123456789");
    for (const char* bad :
         {"v1", "\"v1", "v1\"", "\"", "\"a b\"", "\"a\"b\"", "w/\"v1\"", "W/v1", "\"a\x7f\""}) {
        CAPTURE(bad);
        const CapturedLog log;
        FileOptions options;
        options.etag = bad;
        const std::string sent = sent_of_file(
            file, [&](Response& response) { CHECK_FALSE(response.header("ETag", bad)); }, "", options);
        CHECK(count_of(sent, "ETag: \"784111777-0-10\"\r\n") == 1);
        const bool control = std::string_view(bad).find('\x7f') != std::string_view::npos;
        CHECK(contains(log.text(), control ? "control characters" : "an ETag without its quotes"));
    }
    for (const char* good : {"\"\"", "\"v1\"", "W/\"v1\"", "\"\xff\""}) {
        FileOptions options;
        options.etag = good;
        const auto tells_nothing = [](Response&) {};
        CHECK(
            contains(sent_of_file(file, tells_nothing, "", options), "ETag: " + std::string(good) + "\r\n"));
    }
}

TEST_CASE("a part is sent for a date only where no other file can have had it") {
    const UniqueFd file = memory_file("0123456789");
    const std::time_t now = std::time(nullptr);
    const auto tells_nothing = [](Response&) {};
    for (const auto& [at, status] : {std::pair{now - 5, "206"}, {now, "200"}, {now + 100, "200"}}) {
        const std::array<timespec, 2> times{timespec{at, 0}, timespec{at, 0}};
        REQUIRE(::futimens(file.get(), times.data()) == 0);
        std::array<char, sup::http::date_size> date{};
        sup::http::format_date(at, date);
        const std::string asked =
            "Range: bytes=0-1\r\nIf-Range: " + std::string(date.data(), date.size()) + "\r\n";
        CHECK(contains(sent_of_file(file, tells_nothing, asked), std::string("HTTP/1.1 ") + status));
    }
}
