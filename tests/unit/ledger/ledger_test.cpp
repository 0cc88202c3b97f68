#include "tests/unit/ledger/book.h"

using namespace sup;
using namespace sup::testing;
using core::WaitFor;

TEST_CASE("a promotion is told with how long it took from its preparation, and when it was") {
    Book book = reloaded();
    book.tell_promoted(req(2), gen(2), WaitFor::promoted);
    const auto answers = book.due();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].request == req(2));
    CHECK(answers[0].outcome->promoted);
    CHECK(answers[0].outcome->generation == gen(2));
    CHECK(answers[0].outcome->duration == Duration{30});
    CHECK(answers[0].outcome->at == at(230).wall);
    CHECK(book.due().empty());
}

TEST_CASE("the start is no reload, and neither is its failure") {
    Book book;
    book.ledger.start_asked(req(1));
    book.prepare(gen(1), 100);
    book.tell_failed(req(1), {}, {"no such file"}, 110);
    CHECK_FALSE(book.ledger.last_reload(Book::nobody));
    CHECK(book.ledger.failed_start()->reason == "no such file");
    Book other = reloaded();
    CHECK_FALSE(other.ledger.failed_start());
    CHECK(other.ledger.last_reload(Book::nobody)->generation == gen(2));
}

TEST_CASE("a failure is the last reload, with its words, and says when the configuration is to blame") {
    Book book = reloaded();
    book.prepare(gen(3), 300);
    book.tell_failed(req(3), {}, {"sup.json: bad", {"a", "b"}}, 305, core::failure::ConfigurationError{});
    const auto last = book.ledger.last_reload(Book::nobody);
    CHECK_FALSE(last->promoted);
    CHECK(last->configuration_error);
    CHECK(last->reason == "sup.json: bad");
    CHECK(last->worker_output == std::vector<std::string>{"a", "b"});
    CHECK(last->duration == Duration{5});
    CHECK(book.ledger.last_promoted() == gen(2));
}

TEST_CASE("connections are counted for the reload that their worker drained for") {
    Book book = reloaded();
    book.drain(wrk(2), std::nullopt);  // scaled down
    book.end(wrk(2), {9, 9, 9});
    book.end(wrk(1), {3, 2, 1, 1, {{"chat", 2}}});
    book.end(wrk(1), {3, 2, 1});  // ends once
    CHECK(book.ledger.last_reload(Book::nobody)->connections == DrainTotals{3, 2, 1, 1, {{"chat", 2}}});
}

TEST_CASE("a worker that still drains counts with what it has counted up to now") {
    Book book = reloaded();
    book.drain(wrk(2), gen(2));
    book.end(wrk(1), {1, 0, 0});
    const auto live = [](core::WorkerId worker) {
        CHECK(worker == wrk(2));
        return DrainTotals{4, 1, 0};
    };
    CHECK(book.ledger.last_reload(live)->connections == DrainTotals{5, 1, 0});
}

TEST_CASE("of a worker that is watched no more nothing is counted") {
    Book book = reloaded();
    book.ledger.forget(wrk(1));
    book.end(wrk(1), {1, 1, 1});
    CHECK(book.ledger.last_reload(Book::nobody)->connections == DrainTotals{});
}

TEST_CASE("who waits for the drain is told when what its workers left is gone, others at once") {
    Book book = reloaded();
    book.tell_promoted(req(2), gen(2), WaitFor::promoted);
    book.tell_promoted(req(3), gen(2), WaitFor::drained);
    REQUIRE(book.due(true).size() == 1);
    CHECK(book.due(true).empty());
    const auto answers = book.due();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].request == req(3));
}

TEST_CASE("a promotion is remembered until what it replaced is gone") {
    Book book = reloaded();
    book.prepare(gen(3), 300);
    book.promote(gen(3), gen(2), 310);
    book.prepare(gen(4), 400);
    book.release(gen(1));
    book.tell_promoted(req(2), gen(2), WaitFor::drained);
    CHECK(book.due().at(0).outcome->duration == Duration{30});
}

TEST_CASE("of old reloads nothing is kept") {
    Book book = reloaded();
    for (std::uint32_t number = 3; number < 100; ++number) {
        book.end(wrk(number - 2), {1, 1, 1});
        book.release(gen(number - 2));
        book.prepare(gen(number), 1000 * number);
        book.promote(gen(number), gen(number - 1), 1000 * number + 1);
        book.drain(wrk(number - 1), gen(number));
    }
    CHECK(book.ledger.save()["promotions"].size() <= 2);
    CHECK(book.ledger.save()["drain_totals"].size() <= 2);
    CHECK(book.ledger.save()["leaving"].size() == 1);
}

TEST_CASE("a stop is answered when nothing is left, whatever has ended by itself before") {
    Book book = reloaded();
    book.ledger.stopped(req(7));
    CHECK(book.due().empty());
    book.ledger.follow(core::Exit{0});
    CHECK(book.due(true).empty());
    const auto answers = book.due();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0] == Ledger::Answer{req(7), std::nullopt});
    CHECK(book.ledger.exit_code() == 0);
}

TEST_CASE("each change of a generation is told once, and again when it was taken back in between") {
    Book book;
    const auto told = [&](std::vector<std::string> changes) {
        auto untold = book.ledger.untold_changes(gen(1), std::move(changes));
        book.ledger = taken_over(book.ledger);
        return untold;
    };
    using Changes = std::vector<std::string>;
    CHECK(told({"a"}) == Changes{"a"});
    CHECK(told({"a", "b"}) == Changes{"b"});
    CHECK(told({"b"}).empty());
    CHECK(told({"a", "b"}) == Changes{"a"});
    book.release(gen(1));
    CHECK(told({"a"}) == Changes{"a"});
}

TEST_CASE("what sup could not end is known to a master that takes over") {
    Book book;
    const LeftBehind left{
        LeftBehind::Why::whose_unknown, {4711, 99}, "process 4711 (x)", gen(2), 3, "http *:80"};
    book.ledger.left_behind().add(left);
    const Ledger next = taken_over(book.ledger);
    CHECK(next.left_behind().all() == std::vector{left});
}

TEST_CASE("a generation has never served unless it, or a later one, was promoted") {
    Book book;
    CHECK(book.ledger.never_served(gen(1)));
    book.promote(gen(2), {}, 100);
    CHECK_FALSE(book.ledger.never_served(gen(1)));
    CHECK_FALSE(book.ledger.never_served(gen(2)));
    CHECK(book.ledger.never_served(gen(3)));
}
