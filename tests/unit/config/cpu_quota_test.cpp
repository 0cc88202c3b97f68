#include "config/cpu_quota.h"

#include <filesystem>

#include "config/cpu_count.h"
#include "tests/catch.h"
#include "tests/unit/config/temp_folder.h"

using sup::config::cpu_quota;

namespace {

// A made-up /proc/self and /sys/fs/cgroup.
class Machine {
public:
    Machine(const std::string& groups, const std::string& type, const std::string& options,
            const std::string& root = "/") {
        folder_.write("groups", groups);
        folder_.write("mounts", "22 1 0:20 / /proc rw - proc proc rw\n36 35 0:30 " + root + " " +
                                    folder_.path() + "/cgroup rw,nosuid shared:9 - " + type + " cgroup " +
                                    options + "\n");
    }
    void set(const std::string& group, const std::string& file, const std::string& text) const {
        std::filesystem::create_directories(folder_.path() + "/cgroup" + group);
        folder_.write("cgroup" + group + "/" + file, text + "\n");
    }
    std::optional<std::int64_t> quota() const {
        return cpu_quota({folder_.path() + "/groups", folder_.path() + "/mounts"});
    }

private:
    TempFolder folder_;
};

}  // namespace

TEST_CASE("the quota of the own control group counts, rounded up to whole CPUs") {
    const Machine machine("0::/app\n", "cgroup2", "rw");
    CHECK_FALSE(machine.quota());
    machine.set("/app", "cpu.max", "max 100000");
    CHECK_FALSE(machine.quota());
    machine.set("/app", "cpu.max", "200000 100000");
    CHECK(machine.quota() == 2);
    machine.set("/app", "cpu.max", "200001 100000");
    CHECK(machine.quota() == 3);
    machine.set("/app", "cpu.max", "1000 100000");
    CHECK(machine.quota() == 1);
}

TEST_CASE("the tightest quota of those above counts, too") {
    const Machine machine("0::/a/b/c\n", "cgroup2", "rw");
    machine.set("/a/b/c", "cpu.max", "800000 100000");
    machine.set("/a", "cpu.max", "300000 100000");
    machine.set("/a/b", "cpu.max", "max 100000");
    CHECK(machine.quota() == 3);
}

TEST_CASE("the quota of version 1 counts") {
    const Machine machine("5:memory:/x\n4:cpu,cpuacct:/app\n0::/\n", "cgroup", "rw,cpu,cpuacct");
    machine.set("/app", "cpu.cfs_quota_us", "-1");
    machine.set("/app", "cpu.cfs_period_us", "100000");
    CHECK_FALSE(machine.quota());
    machine.set("/app", "cpu.cfs_quota_us", "150000");
    CHECK(machine.quota() == 2);
}

TEST_CASE("a container that sees only its own group finds its quota") {
    const Machine shared_names("4:cpu:/docker/abc/inner\n", "cgroup", "rw,cpu", "/docker/abc");
    shared_names.set("", "cpu.cfs_quota_us", "100000");
    shared_names.set("", "cpu.cfs_period_us", "100000");
    CHECK(shared_names.quota() == 1);
    const Machine from_outside("0::/../other\n", "cgroup2", "rw");
    from_outside.set("", "cpu.max", "200000 100000");
    CHECK(from_outside.quota() == 2);
}

TEST_CASE("hierarchies that limit something else say nothing about CPUs") {
    const Machine memory("5:memory:/app\n4:cpuset:/app\n", "cgroup", "rw,memory");
    memory.set("/app", "cpu.cfs_quota_us", "100000");
    memory.set("/app", "cpu.cfs_period_us", "100000");
    CHECK_FALSE(memory.quota());
    CHECK_FALSE(cpu_quota({"/no/such/file", "/no/such/file"}));
}

TEST_CASE("there is always at least one CPU to use") {
    CHECK(sup::config::usable_cpus() >= 1);
}
