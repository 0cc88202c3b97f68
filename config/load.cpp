#include "config/load.h"

#include "config/document.h"

namespace sup::config {
namespace {

Result<Config, Problems> read(const Result<Document, Problems>& document) {
    if (!document) return document.error();
    return read_config(*document);
}

}  // namespace

Result<Config, Problems> load_config(const std::string& path) {
    return read(open_document(path));
}

Result<Config, Problems> parse_config(std::string_view text, const std::string& path) {
    return read(parse_document(text, path));
}

}  // namespace sup::config
