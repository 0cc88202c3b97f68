// The table of cases.json: requests as the RFCs, and those who attack servers, would send them, what comes of
// each here, and what nginx makes of it. Whether the table tells the truth of nginx is beside_nginx.py's to
// say.
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/unit/worker/wire.h"

namespace sup::test {
namespace {

using nlohmann::json;

constexpr std::size_t shown = 80;  // a longer target, method or body is told by its size

// In a string each letter is a byte: those above 127 take two in JSON's UTF-8.
std::string bytes_of_string(const std::string& text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto first = static_cast<unsigned char>(text[i]);
        if (first < 0x80) {
            bytes += text[i];
        } else {
            bytes += static_cast<char>(first << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
        }
    }
    return bytes;
}

std::string bytes_of(const json& send) {
    if (send.is_string()) return bytes_of_string(send.get<std::string>());
    std::string bytes;
    for (const json& part : send) {
        const std::string once = bytes_of(part.is_array() ? part[0] : part);
        for (int i = part.is_array() ? part[1].get<int>() : 1; i > 0; --i) bytes += once;
    }
    return bytes;
}

std::string brief(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > shown) return " (" + std::to_string(text.size()) + " bytes)";
    return " " + std::string(text);
}

// Answers with what it saw.
void tell(http::Request& request, http::Response response) {
    if (request.method() == http::Method::head) {
        response.send(200, "");
        return;
    }
    std::string seen = std::string(request.method_name()) + brief(request.target());
    if (request.method_name().size() > shown) seen = brief(request.method_name());
    request.read_body(1024 * 1024, [seen, body = std::string()](std::string_view piece, bool last,
                                                                http::Response& out) mutable {
        body += piece;
        if (last) out.send(200, seen + brief(body));
    });
}

std::size_t content_length(std::string_view head) {
    constexpr std::string_view name = "\r\nContent-Length: ";
    const std::size_t at = head.find(name);
    std::size_t length = 0;
    if (at != std::string_view::npos) {
        std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    }
    return length;
}

// The answers in order: each one's status, and what the handler saw where there is one. With `head_only` none
// has a body, whatever length it tells.
std::string outcome(std::string_view received, bool head_only) {
    std::string all;
    while (!received.empty()) {
        REQUIRE(received.substr(0, 9) == "HTTP/1.1 ");
        const std::size_t size = received.find("\r\n\r\n") + 4;
        const std::string_view status = received.substr(9, 3);
        const std::size_t length = head_only ? 0 : content_length(received.substr(0, size));
        if (!all.empty()) all += " | ";
        all += status;
        if (status == "200" && length > 0) all.append(" ").append(received.substr(size, length));
        received.remove_prefix(size + length);
    }
    return all.empty() ? "nothing" : all;
}

class Sender {
public:
    // In two pieces, the first of them `first` bytes long.
    std::string send_cut(std::string_view bytes, std::size_t first) {
        Wire wire(tell);
        std::string received = wire.give(bytes.substr(0, first));
        received += wire.give(bytes.substr(first));
        return end(wire, received, bytes);
    }

    std::string send_singly(std::string_view bytes) {
        Wire wire(tell);
        std::string received;
        for (std::size_t i = 0; i < bytes.size(); ++i) received += wire.give(bytes.substr(i, 1));
        return end(wire, received, bytes);
    }

private:
    static std::string end(Wire& wire, std::string received, std::string_view sent) {
        wire.protocol.receive_end();
        return outcome(received + wire.take(), sent.substr(0, 5) == "HEAD ");
    }
};

json table() {
    std::ifstream file(std::string(SOURCE_DIR) + "/tests/conformance/cases.json");
    return json::parse(file)["cases"];
}

}  // namespace

TEST_CASE("each case of the table comes out as it says, however it is cut") {
    Sender sender;
    for (const json& row : table()) {
        CAPTURE(row.at("name").get<std::string>());
        const std::string bytes = bytes_of(row.at("send"));
        const auto wanted = row.at("sup").get<std::string>();
        REQUIRE(sender.send_cut(bytes, bytes.size()) == wanted);
        // Every byte of what is short, some twenty of what is long.
        for (std::size_t cut = 1; cut < bytes.size(); cut += bytes.size() < 1000 ? 1 : bytes.size() / 20) {
            CAPTURE(cut);
            REQUIRE(sender.send_cut(bytes, cut) == wanted);
        }
        if (bytes.size() < 1000) REQUIRE(sender.send_singly(bytes) == wanted);
    }
}

TEST_CASE("each difference between us and nginx has its reason, and each case its paragraph") {
    std::size_t count = 0;
    for (const json& row : table()) {
        CAPTURE(row.at("name").get<std::string>());
        CHECK(row.at("rfc").get<std::string>().find(", ") != std::string::npos);
        CHECK(row.contains("why") == (row.at("sup") != row.at("nginx")));
        ++count;
    }
    CHECK(count >= 200);
}

}  // namespace sup::test
