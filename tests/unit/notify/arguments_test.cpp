#include "master/notify/arguments.h"

#include <sys/stat.h>

#include <filesystem>

#include "master/notify/resolved_value.h"
#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;
using config::Template;

namespace {

namespace fs = std::filesystem;

// releases/1 and /2 with app.py and lib/, and `current`, a link to the first.
class Layout {
public:
    Layout() {
        for (const char* release : {"1", "2"}) {
            const std::string folder = in(std::string("releases/") + release);
            fs::create_directories(folder + "/lib");
            write_file(folder + "/app.py", release, 0644);
        }
        fs::create_symlink("releases/1", in("current"));
        fs::create_symlink("current/app.py", in("app.py"));
    }
    std::string in(const std::string& path) const { return root_.path() + "/" + path; }
    void move() const {
        fs::remove(in("current"));
        fs::create_symlink("releases/2", in("current"));
    }
    Arguments resolve(const std::vector<std::string>& texts, const std::string& program = "python3") const {
        std::vector<Template> written;
        for (const std::string& text : texts) written.push_back(*Template::parse(text));
        return Arguments::resolve(program, written, root_.path());
    }

private:
    TemporaryDirectory root_;
};

std::vector<std::string> texts(const Arguments& arguments) {
    std::vector<std::string> list;
    for (const Template& argument : arguments.now()) list.push_back(argument.text());
    return list;
}

}  // namespace

TEST_CASE("arguments that name something through a link name what it meant, also when it has been moved") {
    const Layout layout;
    const Arguments arguments =
        layout.resolve({"-u", "current/app.py", layout.in("current/lib"), "--chdir=" + layout.in("current"),
                        "--config=" + layout.in("current/app.py"), "./current/missing"});
    const std::vector<std::string> meant{"-u",
                                         layout.in("releases/1/app.py"),
                                         layout.in("releases/1/lib"),
                                         "--chdir=" + layout.in("releases/1"),
                                         "--config=" + layout.in("releases/1/app.py"),
                                         "./current/missing"};
    CHECK(texts(arguments) == meant);
    layout.move();
    CHECK(texts(arguments) == meant);
    CHECK_FALSE(arguments.change());
}

TEST_CASE("paths in lists and behind a letter are held, too") {
    const Layout layout;
    const Arguments arguments = layout.resolve(
        {"-cp", layout.in("current/app.py") + ":" + layout.in("current/lib") + ":x",
         "-I" + layout.in("current/lib"), "--path=" + layout.in("current") + ":" + layout.in("releases/2"),
         "-agentpath:" + layout.in("current/app.py")});
    const std::vector<std::string> meant{
        "-cp", layout.in("releases/1/app.py") + ":" + layout.in("releases/1/lib") + ":x",
        "-I" + layout.in("releases/1/lib"),
        "--path=" + layout.in("releases/1") + ":" + layout.in("releases/2"),
        "-agentpath:" + layout.in("releases/1/app.py")};
    CHECK(texts(arguments) == meant);
    layout.move();
    CHECK(texts(arguments) == meant);
}

TEST_CASE(
    "values of the environment that lead through a link name what it meant, and words, URLs and the rest "
    "stay") {
    const Layout layout;
    std::map<std::string, Template> written;
    const auto set = [&](const char* name, const std::string& text) {
        written.insert_or_assign(name, *Template::parse(text));
    };
    set("PYTHONPATH", layout.in("current"));
    set("PATH", layout.in("current/lib") + "::/usr/bin:/bin:" + layout.in("releases/2"));
    set("CONFIG", layout.in("current/app.py"));
    set("LATER", layout.in("current/missing"));
    set("URL", "http:/" + layout.in("current"));
    set("RELATIVE", "current/lib");
    set("SLOT", layout.in("current") + "/{slot}");
    set("STREAM", "/dev/stdout");
    set("EMPTY", "");
    const auto resolved = resolved_variables(written);
    layout.move();
    CHECK(resolved.at("PYTHONPATH").text() == layout.in("releases/1"));
    CHECK(resolved.at("PATH").text() ==
          layout.in("releases/1/lib") + "::/usr/bin:/bin:" + layout.in("releases/2"));
    CHECK(resolved.at("CONFIG").text() == layout.in("releases/1/app.py"));
    for (const char* name : {"LATER", "URL", "RELATIVE", "SLOT", "STREAM", "EMPTY"})
        CHECK(resolved.at(name) == written.at(name));
}

TEST_CASE("arguments that no link is in the way of stay as they were written") {
    const Layout layout;
    const std::vector<std::string> written{
        "releases/1/app.py", "lib",     "/etc/passwd", "/dev/stdout",       "/dev/fd/0",
        "/proc/self/exe",    "current", "{fd:http}",   "--x={slot}/app.py", "",
        "{{releases"};
    CHECK(texts(layout.resolve(written)) == written);
}

TEST_CASE("a script that is itself a link keeps its name until the link is moved") {
    const Layout layout;
    const Arguments arguments = layout.resolve({"app.py"});
    CHECK(texts(arguments) == std::vector<std::string>{"app.py"});
    layout.move();
    CHECK(texts(arguments) == std::vector<std::string>{layout.in("releases/1/app.py")});
}

TEST_CASE("an interpreter's script that was changed in place is reported, other files are not") {
    const Layout layout;
    const Arguments script = layout.resolve({"-u", "current/app.py", "releases/2/app.py"});
    const Arguments data = layout.resolve({"current/app.py"}, "./server");
    write_file(layout.in("releases/1/app.py"), "other", 0644);
    write_file(layout.in("releases/2/app.py"), "other", 0644);
    CHECK_THAT(script.change().value_or(""),
               Contains(layout.in("releases/1/app.py") + " is not the same script"));
    CHECK_FALSE(data.change());
    write_file(layout.in("releases/1/app.py"), "1", 0644);
    CHECK_FALSE(script.change());
}

TEST_CASE("interpreters are known by their names, with or without a version") {
    for (const char* name : {"python3", "/usr/bin/python3.11", "node", "sh", "php8.2", "./Rscript"})
        CHECK(is_interpreter(name));
    for (const char* name : {"gunicorn", "./server", "nodemon", "", "3"}) CHECK_FALSE(is_interpreter(name));
}
