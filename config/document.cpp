#include "config/document.h"

#include <algorithm>
#include <cstddef>

#include "config/cross_rules.h"
#include "config/display.h"
#include "config/path.h"
#include "config/read_file.h"
#include "config/reader.h"
#include "config/special_values.h"
#include "config/worker_rules.h"

namespace sup::config {
namespace {

Problems about_the_file(const std::string& path, const std::string& message) {
    return Problems{path, {Problem{{}, "", message}}};
}

// "hello" of "/etc/sup/hello.json"; a name that begins with its only dot is all stem.
std::string stem(const std::string& file) {
    const std::string last = file.substr(file.rfind('/') + 1);
    const std::size_t dot = last.rfind('.');
    return dot == last.npos || dot == 0 ? last : last.substr(0, dot);
}

void default_name(const Document& document, Config& config, Collector& problems) {
    if (document.root.find("name") != nullptr || document.root.kind != Kind::object) return;
    config.name = stem(document.file);
    if (is_name(config.name)) return;
    problems.add(
        document.root.begin, "/name",
        "missing, and the file's own name, " + in_quotes(config.name) + ", is not " + expected_name());
}

const Node* child_named(const Node& node, std::string_view token) {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
        const Node& child = node.children[i];
        if (pointer_token(node.kind == Kind::object ? child.key : std::to_string(i)) == token) return &child;
    }
    return nullptr;
}

}  // namespace

Result<Document, Problems> open_document(const std::string& path) {
    const Result<std::string> text = read_file(path);
    if (!text) return about_the_file(path, text.error().message);
    return parse_document(*text, path);
}

Result<Document, Problems> parse_document(std::string_view text, const std::string& path) {
    const Result<std::string> file = absolute_path(path);
    if (!file) return about_the_file(path, file.error().message);
    SourceText source(text);
    Collector problems(source, path);
    std::optional<Node> root = parse_tree(source, problems);
    if (!root) return problems.take();
    return Document{path, *file, std::move(source), *std::move(root)};
}

Result<Config, Problems> read_config(const Document& document) {
    Collector problems(document.text, document.name);
    const std::string folder = folder_of(document.file);
    Config config;
    config.file = document.file;
    config.worker.cwd = folder;
    report_duplicate_keys(document.root, problems);
    const bool repeats_itself = !problems.empty();
    read_document({document.root, "", folder, problems}, config);
    default_name(document, config, problems);
    // These compare what was read with where it stands. Of a key that is given twice, or where problems were
    // too many to be kept, the one does not belong to the other.
    if (!repeats_itself && !problems.full()) {
        default_ready(document.root, config);
        check_cross_rules(document.root, config, problems);
        check_worker_rules(document.root, config, problems);
    }
    if (!problems.empty()) return problems.take();
    return config;
}

Position position_of(const Document& document, std::string_view pointer) {
    const Node* node = &document.root;
    while (!pointer.empty()) {
        const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
        const Node* child = child_named(*node, pointer.substr(0, end));
        if (child == nullptr) break;
        node = child;
        pointer.remove_prefix(end);
    }
    return document.text.position(node->begin);
}

}  // namespace sup::config
