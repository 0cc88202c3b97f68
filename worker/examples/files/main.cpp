// Files from a folder: downloads with ranges, and uploads that appear only when they are whole.
//
//     GET /name      the file, or a part of it (Range), by sendfile(2)
//     PUT /name      201 when the whole body is on the disk under that name
//
// usage: files-server FOLDER
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sup/http/server.h"
#include "sup/worker.h"

namespace {

constexpr std::uint64_t largest_upload = 4ULL << 30;

// A descriptor of ours.
class Descriptor {
public:
    explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
    Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    int get() const { return descriptor_; }
    int release() { return std::exchange(descriptor_, -1); }

private:
    int descriptor_;
};

// One name in one folder, so that no path leads out of it. Names that begin with a dot are not shown:
// incomplete uploads have such names.
bool is_plain(const std::string& name) {
    return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

std::string_view type_of(std::string_view name) {
    const auto ends = [name](std::string_view ending) {
        return name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending;
    };
    if (ends(".html")) return "text/html; charset=utf-8";
    if (ends(".txt")) return "text/plain; charset=utf-8";
    if (ends(".json")) return "application/json";
    if (ends(".png")) return "image/png";
    return "application/octet-stream";
}

// A file that gets its name when it is complete; without that it leaves nothing behind.
class Upload {
public:
    Upload(int folder, std::string name)
        : folder_(folder),
          name_(std::move(name)),
          file_(::openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644)) {}

    int file() const { return file_.get(); }

    // A file without a name can be linked to one that is free (open(2), O_TMPFILE); rename(2) then puts it in
    // the place of what was there.
    bool publish() const {
        const std::string beside =
            ".upload-" + std::to_string(::getpid()) + "-" + std::to_string(file_.get());
        const std::string from = "/proc/self/fd/" + std::to_string(file_.get());
        if (::fsync(file_.get()) != 0) return false;
        if (::linkat(AT_FDCWD, from.c_str(), folder_, beside.c_str(), AT_SYMLINK_FOLLOW) != 0) return false;
        if (::renameat(folder_, beside.c_str(), folder_, name_.c_str()) == 0) return true;
        ::unlinkat(folder_, beside.c_str(), 0);
        return false;
    }

private:
    int folder_;
    std::string name_;
    Descriptor file_;
};

class Files {
public:
    Files(sup::worker::Worker& worker, int folder) : worker_(worker), folder_(folder) {}

    void operator()(sup::http::Request& request, sup::http::Response response) {
        const std::string path = request.decoded_path().value_or("");
        const std::string name = path.substr(path.empty() ? 0 : 1);
        if (!is_plain(name)) return void(response.send(404, "not here\n"));
        const sup::http::Method method = request.method();
        if (method == sup::http::Method::put) return upload(name, request, std::move(response));
        if (method == sup::http::Method::get || method == sup::http::Method::head)
            return download(name, std::move(response));
        response.header("Allow", "GET, HEAD, PUT");
        response.send(405, "method not allowed\n");
    }

private:
    void download(const std::string& name, sup::http::Response response) const {
        Descriptor file(::openat(folder_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        struct stat info {};
        if (file.get() < 0 || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
            return void(response.send(404, "not here\n"));
        // Answers Range, If-Range, If-None-Match and If-Modified-Since, too, and closes the file.
        response.send_file(file.release(), {.content_type = type_of(name)});
    }

    // The body is written on the pool. So is the end of it, because fsync(2) may take long.
    void upload(const std::string& name, sup::http::Request& request, sup::http::Response response) {
        const auto upload = std::make_shared<Upload>(folder_, name);
        if (upload->file() < 0) return void(response.send(500, std::string(std::strerror(errno)) + "\n"));
        request.save_body(upload->file(), largest_upload,
                          [this, upload](int problem, sup::http::Response& open) {
                              if (problem != 0)
                                  return void(open.send(507, std::string(std::strerror(problem)) + "\n"));
                              worker_.offload([upload] { return upload->publish(); },
                                              [open](bool published) mutable {
                                                  if (published) return void(open.send(201, "saved\n"));
                                                  open.send(500, "it could not be saved\n");
                                              });
                          });
    }

    sup::worker::Worker& worker_;
    int folder_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: files-server FOLDER\n", stderr);
        return 2;
    }
    const Descriptor folder(::open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) {
        std::fprintf(stderr, "files-server: %s: %s\n", argv[1], std::strerror(errno));
        return 1;
    }
    sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});
    sup::http::Server server(worker, Files(worker, folder.get()));
    return worker.run();
}
