#include "worker/http/kept_head.h"

#include <algorithm>

#include "worker/http/poison.h"

namespace sup::http {

void KeptHead::keep(std::string_view head) {
    if (head.size() > capacity_) {
        forget();
        capacity_ = std::max(head.size(), first_capacity);
        memory_ = std::make_unique_for_overwrite<char[]>(capacity_);
    }
    unpoison(memory_.get(), head.size());
    head.copy(memory_.get(), head.size());
}

void KeptHead::let_go() {
    if (capacity_ > largest_kept) return forget();
    poison(memory_.get(), capacity_);
}

void KeptHead::forget() {
    unpoison(memory_.get(), capacity_);
    memory_.reset();
    capacity_ = 0;
}

}  // namespace sup::http
