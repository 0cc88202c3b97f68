// A generation that was prepared from a configuration, as a reload does.
#pragma once

#include <memory>
#include <string>

#include "master/releases/preparation.h"
#include "tests/catch.h"
#include "tests/temporary_directory.h"
#include "tests/unit/support.h"

namespace sup::test {

// `worker` is the text of its worker object, `rest` of further keys, each with a comma before it.
inline std::string configuration(const std::string& folder, const std::string& worker,
                                 const std::string& rest = "") {
    const std::string file = folder + "/config.json";
    write_file(file,
               R"({"name": "test", "listen": [{"name": "http", "address": "127.0.0.1:0"}], "worker": )" +
                   worker + rest + "}");
    return file;
}

inline config::Config read_configuration(const std::string& file) {
    auto config = reload_config(file, "test");
    if (!config) FAIL(config.error().reason);
    return std::move(*config);
}

inline std::shared_ptr<const Generation> prepared(std::uint32_t id, const config::Config& config,
                                                  const Listeners& held = {}) {
    auto generation = prepare_generation(core::GenerationId{id}, config, held);
    if (!generation) FAIL(generation.error().reason);
    return *generation;
}

}  // namespace sup::test
