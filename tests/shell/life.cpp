#include "tests/shell/life.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "config/load.h"
#include "config/problem.h"
#include "master/instance/master.h"
#include "tests/shell/clients.h"
#include "tests/shell/judge.h"
#include "tests/shell/operator.h"

namespace sup::shell {
namespace {

class Life {
public:
    Life(std::uint64_t seed, const std::string& folder, const std::function<void(const std::string&)>& trace)
        : folder_(folder),
          paths_(folder + "/run", "s"),
          kernel_(seed),
          clients_(kernel_),
          judge_(kernel_, paths_),
          operator_(kernel_, judge_, clients_, folder, paths_.control_socket) {
        kernel_.set_callbacks({.run = [this](Process& process) { return run(process); },
                               .effect = [this](const Effect& effect) { judge_.saw(effect); },
                               .look = [this] { look(); },
                               .trace =
                                   [this, &trace](const std::string& line) {
                                       lived_.story = lived_.story * 31 + std::hash<std::string>{}(line);
                                       trace(line);
                                   }});
    }

    Lived live() {
        std::filesystem::create_directory(folder_ + "/run");
        operator_.begin();
        set_kernel(&kernel_);
        const int code = run_master();
        set_kernel(nullptr);
        operator_.look();
        operator_.at_end();
        judge_.at_end(code);
        kernel_.end_all();
        check_folder();
        lived_.clients = clients_.served();
        return lived_;
    }

private:
    int run_master() {
        auto config = config::load_config(operator_.config_file());
        if (!config) fail("the first configuration: " + config::to_text(config.error()));
        auto directory = InstanceDirectory::claim(folder_ + "/run", "s");
        if (!directory) fail(directory.error().message);
        return sup::run_master(
            {.config = std::move(*config),
             .directory = std::move(*directory),
             .witness = [this](const core::Event& event, core::TimePoint now,
                               const std::vector<core::Action>& actions, const core::Supervisor& supervisor) {
                 ++lived_.steps;
                 judge_.step(event, now, actions, supervisor);
                 if (judge_.serves())
                     clients_.open();
                 else
                     clients_.close();
             }});
    }

    std::unique_ptr<Program> run(Process& process) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        ::getsockname(process.descriptors.at(3).get(), reinterpret_cast<sockaddr*>(&address), &size);
        clients_.serve_at("http", address, size);
        sockaddr_storage local{};
        auto& unix_address = reinterpret_cast<sockaddr_un&>(local);
        unix_address.sun_family = AF_UNIX;
        const std::string path = folder_ + "/local.sock";
        std::memcpy(unix_address.sun_path, path.c_str(), path.size() + 1);
        clients_.serve_at("local", local, sizeof unix_address);
        return std::make_unique<FakeWorker>(kernel_, process, clients_);
    }

    void look() {
        judge_.turn_over();
        clients_.look();
        operator_.look();
    }

    void check_folder() const {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
            const std::string name = entry.path().filename();
            if (name != "run" && name != "s.json" && !name.ends_with(".log"))
                fail("the file " + name + " is left behind");
        }
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            std::filesystem::remove_all(entry.path());
    }

    std::string folder_;
    InstancePaths paths_;
    Lived lived_;
    Kernel kernel_;
    Clients clients_;
    Judge judge_;
    Operator operator_;
};

std::vector<std::string> open_descriptors() {
    std::vector<std::string> open;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(entry.path(), gone);
        if (!gone) open.push_back(entry.path().filename().string() + " " + target.string());
    }
    std::ranges::sort(open);
    return open;
}

}  // namespace

Lived live(std::uint64_t seed, const std::string& folder,
           const std::function<void(const std::string&)>& trace) {
    const auto before = open_descriptors();
    Lived lived;
    {
        Life life(seed, folder, trace);
        lived = life.live();
    }
    const auto after = open_descriptors();
    for (const std::string& one : after) {
        // The listing itself has one, too.
        if (!std::ranges::binary_search(before, one) && after.size() != before.size())
            fail("a descriptor is left open: " + one);
    }
    return lived;
}

}  // namespace sup::shell
