#include "tests/bench/load/answer_reader.h"

#include <string>

#include "tests/catch.h"

using sup::bench::AnswerReader;
using State = AnswerReader::State;

namespace {

const std::string with_length = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 12\r\n\r\nhello pid:12";
const std::string chunked =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n pid:12\r\n0\r\nTrailer: "
    "t\r\n\r\n";
const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n" + with_length;

}  // namespace

TEST_CASE("an answer cut at any place is read as one") {
    for (const std::string& answer : {with_length, chunked, interim}) {
        for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
            INFO(answer << "\ncut at " << cut);
            AnswerReader reader;
            reader.begin("hello pid:12");
            CHECK(reader.feed(std::string_view(answer).substr(0, cut)) == cut);
            CHECK((reader.state() == State::complete) == (cut == answer.size()));
            reader.feed(std::string_view(answer).substr(cut));
            CHECK(reader.state() == State::complete);
            CHECK(reader.status() == 200);
            CHECK(reader.body_is_as_expected());
            CHECK(reader.beginning() == "hello pid:12");
            CHECK_FALSE(reader.announces_close());
        }
    }
}

TEST_CASE("what follows an answer is left alone") {
    AnswerReader reader;
    reader.begin({});
    CHECK(reader.feed(with_length + "HTTP/1.1") == with_length.size());
    CHECK(reader.state() == State::complete);
}

TEST_CASE("a connection that ends is known from the version, the header or the missing length") {
    const auto closes = [](const std::string& answer) {
        AnswerReader reader;
        reader.begin({});
        reader.feed(answer);
        reader.end_of_file();
        CHECK(reader.state() == State::complete);
        return reader.announces_close();
    };
    CHECK(closes("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    CHECK_FALSE(closes("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"));
    CHECK(closes("HTTP/1.1 200 OK\r\nconnection:close\r\nContent-Length: 0\r\n\r\n"));
    CHECK(closes("HTTP/1.1 200 OK\r\n\r\nto the end"));
    CHECK_FALSE(closes("HTTP/1.1 204 No Content\r\n\r\n"));
}

TEST_CASE("a body that is not the expected one is noticed") {
    for (const char* expected : {"hello pid:1", "hello pid:123", "hellO pid:12"}) {
        AnswerReader reader;
        reader.begin(expected);
        reader.feed(with_length);
        CHECK_FALSE(reader.body_is_as_expected());
    }
}

TEST_CASE("an end of file within an answer does not complete it") {
    AnswerReader reader;
    reader.begin({});
    reader.feed(std::string_view(with_length).substr(0, 60));
    reader.end_of_file();
    CHECK(reader.state() == State::reading);
}

TEST_CASE("what is not an answer is malformed") {
    for (const char* bytes : {"SSH-2.0-x\r\n", "HTTP/2 200\r\n", "HTTP/1.1 2x0 OK\r\n",
                              "HTTP/1.1 200 OK\r\nnonsense\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
        INFO(bytes);
        AnswerReader reader;
        reader.begin({});
        reader.feed(bytes);
        CHECK(reader.state() == State::malformed);
    }
}
