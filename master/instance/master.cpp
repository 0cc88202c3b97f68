#include "master/instance/master.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <vector>

#include "common/uv.h"
#include "master/desk/hangup.h"
#include "master/instance/instance.h"
#include "master/log/log.h"
#include "master/log/log_place.h"
#include "master/process/child_watch.h"
#include "master/process/orphan_reaper.h"
#include "master/process/process_tree.h"
#include "master/spawn/descriptor_limit.h"

namespace sup {
namespace {

// Dispositions and the mask survive exec: whoever started us may have left some signals blocked or ignored.
// How long to wait at the end, without any progress, for a reader to take what is left.
constexpr Duration patience_at_the_end{1'000};

void take_over_signals() {
    reset_child_signal();
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a log at RLIMIT_FSIZE is a write that fails (EFBIG), not the end
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    // Until there is an instance to tell, these must not end the process, as they would by default.
    for (const int number : {SIGUSR1, SIGUSR2, SIGHUP, SIGTTIN, SIGTTOU}) std::signal(number, SIG_IGN);
}

std::vector<uv::Signal> watch_signals(uv::Loop& loop, Instance& instance) {
    std::vector<uv::Signal> watches;
    const auto watch = [&](int number, std::function<void()> callback) {
        watches.emplace_back(loop.get(), number, std::move(callback));
    };
    watch(SIGUSR2, [&] { instance.reload_by_signal("SIGUSR2"); });
    watch(SIGTERM, [&] { instance.stop_by_signal("SIGTERM"); });
    watch(SIGINT, [&] { instance.stop_by_signal("SIGINT"); });
    watch(SIGQUIT, [&] { instance.stop_by_signal("SIGQUIT"); });
    watch(SIGTTIN, [&] { instance.add_worker(); });
    watch(SIGTTOU, [&] { instance.remove_worker(); });
    watch(SIGUSR1, [&] { instance.reopen_log("SIGUSR1"); });
    return watches;
}

// What leaves a worker's process group becomes our child when its parent ends. True when nobody else's can:
// not so for the first process of a container, nor with children from before this process became sup.
bool inherit_orphans() {
    const bool heir = ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
    return heir && ::getpid() != 1 && children_of(::getpid()).empty();
}

Log::Options log_options(const MasterOptions& options) {
    Log::Options log;
    log.level = options.config.log.level;
    log.format = options.config.log.format;
    log.redirect_stdio = options.background;
    const LogPlace place = log_place(options.config, options.directory.paths(), options.background);
    log.file = place.file;
    log.bounds = place.bounds;
    log.queue_bytes = options.config.log.when_slow.queue_bytes;
    return log;
}

// What must not be lost when there is no log yet: to whoever waits for the start, else to standard error.
// Leaves nothing behind.
int fail_early(MasterOptions& options, const Error& error) {
    [[maybe_unused]] const Status removed = options.directory.remove_all();
    StartReport waiting(std::move(options.report));
    if (waiting.waiting()) {
        waiting.failed(error.message, {});
    } else {
        std::fprintf(stderr, "sup: %s\n", error.message.c_str());
    }
    return 1;
}

// Where what the log said of a start that failed is to be read from now on; empty: nowhere, or by whoever has
// standard error.
std::string keep_log(const Log& log, InstanceDirectory& directory) {
    if (log.file() != directory.paths().log) return log.file();
    return directory.keep_log() ? directory.paths().failed_start_log : std::string();
}

}  // namespace

int run_master(MasterOptions options) {
    const HangupMeaning hangup = meaning_of_hangup(options.background);
    take_over_signals();
    const bool sole_heir = inherit_orphans();
    const auto limit = raise_descriptor_limit();
    if (!limit) return fail_early(options, limit.error());
    auto log = Log::open(log_options(options));
    if (!log) return fail_early(options, log.error());
    if (Status written = options.directory.write_pid(::getpid()); !written) {
        return fail_early(options, written.error());
    }

    uv::Loop loop;
    int exit_code = 1;
    {
        std::vector<uv::Signal> signals;
        std::optional<HangupWatch> hangups;
        std::optional<OrphanReaper> reaper;
        Instance instance(loop, *log,
                          {.config = options.config,
                           .directory = options.directory,
                           .background = options.background,
                           .sole_heir = sole_heir,
                           .descriptor_limit = *limit,
                           .report = std::move(options.report),
                           .witness = std::move(options.witness),
                           .on_exit = [&] {
                               signals.clear();
                               hangups.reset();
                               reaper.reset();
                           }});
        if (Status started = instance.start(); !started) {
            log->error("{}", started.error().message);
            if (Status removed = options.directory.remove_all(); !removed)
                log->warning("{}", removed.error().message);
            return 1;
        }
        signals = watch_signals(loop, instance);
        hangups.emplace(loop.get(), hangup,
                        HangupWatch::Callbacks{[&] { instance.reload_by_signal("SIGHUP"); },
                                               [&] { instance.stop_without_terminal(); }});
        reaper.emplace(loop.get(), [&](pid_t pid) { return instance.collect(pid); });
        log->info("instance {} started, pid {}", options.directory.name(), ::getpid());
        loop.run();
        exit_code = instance.exit_code().value_or(1);
        log->info("instance {} has ended", options.directory.name());
        const std::string kept = instance.start_failed() ? keep_log(*log, options.directory) : std::string();
        if (Status removed = options.directory.remove_all(); !removed)
            log->warning("{}", removed.error().message);
        instance.report_failed_start(kept);
    }
    log->finish(patience_at_the_end);
    return exit_code;
}

}  // namespace sup
