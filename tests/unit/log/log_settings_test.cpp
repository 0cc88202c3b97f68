#include "master/log/log_settings.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/catch.h"
#include "tests/temporary_directory.h"

using namespace sup;

namespace {

constexpr core::GenerationId second{2};

std::string bytes_of(const std::string& file) {
    std::ostringstream bytes;
    bytes << std::ifstream(file).rdbuf();
    return bytes.str();
}

struct Study {
    test::TemporaryDirectory folder;
    std::string old_file = folder.path() + "/old.log";
    std::string new_file = folder.path() + "/new.log";
    InstancePaths paths{folder.path(), "test"};
    Log log = std::move(Log::open({.file = old_file})).value();
    LogSettings settings{log, paths, true};

    static config::Config to(const std::string& file, config::LogLevel level = config::LogLevel::info) {
        config::Config config;
        config.log.file = file;
        config.log.level = level;
        return config;
    }
};

}  // namespace

TEST_CASE("the log moves when the generation that wants it elsewhere is promoted, and not before") {
    Study study;
    REQUIRE(study.settings.prepare(second, Study::to(study.new_file)).ok());
    CHECK(study.log.file() == study.old_file);
    CHECK(study.settings.output_of(second));
    CHECK_FALSE(study.settings.output_of(core::GenerationId{1}));
    REQUIRE(study.settings.take(Study::to(study.new_file)).ok());
    CHECK(study.log.file() == study.new_file);
    CHECK_FALSE(study.settings.output_of(second));
    study.log.info("{}", "here");
    study.log.flush();
    CHECK(bytes_of(study.new_file).find("here") != std::string::npos);
    CHECK(bytes_of(study.old_file).find("here") == std::string::npos);
}

TEST_CASE("a generation that is refused leaves the log where it is") {
    Study study;
    REQUIRE(study.settings.prepare(second, Study::to(study.new_file)).ok());
    study.settings.drop();
    CHECK_FALSE(study.settings.output_of(second));
    REQUIRE(study.settings.take(Study::to(study.old_file)).ok());
    CHECK(study.log.file() == study.old_file);
}

TEST_CASE("a log that cannot be opened is an error of the preparation, and changes nothing") {
    Study study;
    const Status prepared = study.settings.prepare(second, Study::to(study.folder.path() + "/no/such/x.log"));
    REQUIRE_FALSE(prepared.ok());
    CHECK_FALSE(study.settings.output_of(second));
    CHECK(study.log.file() == study.old_file);
}

TEST_CASE("level and format come with the promotion also where the file stays") {
    Study study;
    const config::Config quiet = Study::to(study.old_file, config::LogLevel::error);
    REQUIRE(study.settings.prepare(second, quiet).ok());
    study.log.info("{}", "before");
    REQUIRE(study.settings.take(quiet).ok());
    study.log.info("{}", "after");
    study.log.flush();
    CHECK(bytes_of(study.old_file).find("before") != std::string::npos);
    CHECK(bytes_of(study.old_file).find("after") == std::string::npos);
}

TEST_CASE("after a rotation by hand both the log and the one to come are opened again by their names") {
    Study study;
    REQUIRE(study.settings.prepare(second, Study::to(study.new_file)).ok());
    std::filesystem::rename(study.old_file, study.old_file + ".1");
    std::filesystem::rename(study.new_file, study.new_file + ".1");
    REQUIRE(study.settings.reopen().ok());
    study.log.info("{}", "to the old one");
    study.log.flush();
    CHECK(bytes_of(study.old_file).find("to the old one") != std::string::npos);
    REQUIRE(study.settings.take(Study::to(study.new_file)).ok());
    study.log.info("{}", "to the new one");
    study.log.flush();
    CHECK(bytes_of(study.new_file).find("to the new one") != std::string::npos);
    CHECK(bytes_of(study.new_file + ".1").empty());
}
