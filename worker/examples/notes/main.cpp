// A JSON service with a database: notes in SQLite. Database queries may take time, so they run
// on the pool, and the loop keeps serving everybody else.
//
//     POST /notes        {"text": "buy milk"}    201 {"id": 1, "text": "buy milk"}
//     GET  /notes                                200 [{"id": 1, "text": "buy milk"}]
//     GET  /notes/1                              200, or 404
//
// usage: notes-server DATABASE
#include <sqlite3.h>

#include <charconv>
#include <cstdio>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "sup/http/server.h"
#include "sup/worker.h"

namespace {

using nlohmann::json;

constexpr std::uint64_t largest_note = 64 * 1024;

// One connection to the database, used by one thread at a time. Several workers, and two generations of them
// during a reload, have the file open at once: WAL lets them read while one writes, and whoever finds it busy
// waits.
class Database {
public:
    explicit Database(const std::string& path) {
        sqlite3* opened = nullptr;
        const int result = sqlite3_open(path.c_str(), &opened);
        database_.reset(opened);
        if (result != SQLITE_OK) throw std::runtime_error(path + ": " + sqlite3_errmsg(opened));
        sqlite3_busy_timeout(opened, 5'000);
        switch_to_wal();
        run("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    }

    json add(const std::string& text) {
        const std::lock_guard lock(mutex_);
        Statement insert = prepare("INSERT INTO notes (text) VALUES (?) RETURNING id, text");
        sqlite3_bind_text(insert.get(), 1, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
        json note = next(insert).value();
        next(insert);  // to the end: only then is it written
        return note;
    }

    json all() {
        const std::lock_guard lock(mutex_);
        Statement select = prepare("SELECT id, text FROM notes ORDER BY id LIMIT 100");
        json notes = json::array();
        while (auto note = next(select)) notes.push_back(std::move(*note));
        return notes;
    }

    std::optional<json> one(std::int64_t id) {
        const std::lock_guard lock(mutex_);
        Statement select = prepare("SELECT id, text FROM notes WHERE id = ?");
        sqlite3_bind_int64(select.get(), 1, id);
        return next(select);
    }

private:
    struct Close {
        void operator()(sqlite3* database) const { sqlite3_close(database); }
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    using Statement = std::unique_ptr<sqlite3_stmt, Close>;

    [[noreturn]] void fail() const { throw std::runtime_error(sqlite3_errmsg(database_.get())); }

    void run(const char* sql) {
        if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
    }

    // Two workers that both switch a new file would wait for each other, so SQLite refuses one of them at once,
    // whatever its timeout.
    void switch_to_wal() {
        int result = SQLITE_BUSY;
        for (int tries = 0; result == SQLITE_BUSY && tries < 500; ++tries) {
            if (tries > 0) sqlite3_sleep(10);
            result = sqlite3_exec(database_.get(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
        }
        if (result != SQLITE_OK) fail();
    }

    Statement prepare(std::string_view sql) {
        sqlite3_stmt* prepared = nullptr;
        const auto size = static_cast<int>(sql.size());
        if (sqlite3_prepare_v2(database_.get(), sql.data(), size, &prepared, nullptr) != SQLITE_OK) fail();
        return Statement(prepared);
    }

    std::optional<json> next(const Statement& statement) {
        const int result = sqlite3_step(statement.get());
        if (result == SQLITE_DONE) return std::nullopt;
        if (result != SQLITE_ROW) fail();
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 1));
        return json{{"id", sqlite3_column_int64(statement.get(), 0)}, {"text", text}};
    }

    std::unique_ptr<sqlite3, Close> database_;
    std::mutex mutex_;  // guards database_
};

// What clients wrote may be no UTF-8.
std::string text_of(const json& body) {
    return body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

void answer(sup::http::Response& response, int status, const json& body) {
    response.send(status, text_of(body), "application/json");
}

class Notes {
public:
    Notes(sup::worker::Worker& worker, Database& database) : worker_(worker), database_(database) {}

    void operator()(sup::http::Request& request, sup::http::Response response) {
        const std::string_view path = request.path();
        if (path == "/notes" && request.method() == sup::http::Method::post) return add(request);
        if (path == "/notes" && request.method() == sup::http::Method::get) return all(std::move(response));
        if (path.substr(0, 7) == "/notes/") return one(path.substr(7), std::move(response));
        answer(response, 404, {{"error", "not here"}});
    }

private:
    void add(sup::http::Request& request) {
        auto body = std::make_shared<std::string>();
        request.read_body(largest_note,
                          [this, body](std::string_view piece, bool last, sup::http::Response& response) {
                              body->append(piece);
                              if (last) store(*body, response);
                          });
    }

    // `work` runs on the pool and must not touch the response. `done` runs in the loop and has it.
    void store(const std::string& body, sup::http::Response response) {
        const json note = json::parse(body, nullptr, false);
        if (!note.is_object() || !note.contains("text") || !note["text"].is_string())
            return answer(response, 400, {{"error", "expected {\"text\": \"…\"}"}});
        worker_.offload([this, text = note["text"].get<std::string>()] { return database_.add(text); },
                        [response](const json& added) mutable { answer(response, 201, added); });
    }

    void all(sup::http::Response response) {
        // Megabytes, perhaps: their text is made on the pool, too.
        worker_.offload(
            [this] { return text_of(database_.all()); },
            [response](const std::string& notes) mutable { response.send(200, notes, "application/json"); });
    }

    void one(std::string_view text, sup::http::Response response) {
        std::int64_t id = 0;
        const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
        if (problem != std::errc{} || rest != text.data() + text.size())
            return answer(response, 404, {{"error", "not here"}});
        worker_.offload([this, id] { return database_.one(id); },
                        [response](const std::optional<json>& note) mutable {
                            if (note) return answer(response, 200, *note);
                            answer(response, 404, {{"error", "not here"}});
                        });
    }

    sup::worker::Worker& worker_;
    Database& database_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: notes-server DATABASE\n", stderr);
        return 2;
    }
    try {
        Database database(argv[1]);
        sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});
        sup::http::Server server(worker, Notes(worker, database));
        return worker.run();
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "notes-server: %s\n", problem.what());
        return 1;
    }
}
