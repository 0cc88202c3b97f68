// What a worker serves: its protocols, and the listeners of each.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/spoken.h"
#include "worker/lifecycle/acceptor.h"
#include "worker/lifecycle/inbox_packet.h"
#include "worker/lifecycle/service.h"

namespace sup::worker {

class Services {
public:
    void add(Service& service, const ListenerChoice& listeners);
    // `acceptor` takes connections for it.
    void serve(Service& service, std::unique_ptr<Acceptor> acceptor);
    // Also while each() calls it, or another one.
    void remove(Service& service);

    bool empty() const { return all_.empty(); }
    // Some service asked for listeners, and none was there.
    bool lacks_listeners() const;
    std::size_t open_connections() const;
    // Without those that were ended, and wait for nothing but the client's end.
    std::size_t living_connections() const;
    // Some acceptor has not closed its listener.
    bool accepting() const;
    std::vector<Reads> reads() const;

    // Calls `call` with each service that is there when its turn comes.
    template <typename Call>
    void each(Call call) const {
        for (const Registered& one : std::vector<Registered>(all_)) {
            if (has(*one.service)) call(*one.service);
        }
    }
    // Also those that come meanwhile.
    template <typename Call>
    void each_acceptor(Call call) const {
        for (std::size_t i = 0; i < served_.size(); ++i) call(*served_[i].acceptor);
    }

    // Which service takes over that connection; null: none.
    Service* taker_of(const InboxPacket& packet) const;
    // A copy of the name that outlives every service; null: there are more than make sense.
    const std::string* remember(const std::string& listener);
    // Ends up to this many connections on which nothing is going on, beginning with the service that has
    // most.
    void make_room(std::size_t count) const;

private:
    struct Registered {
        Service* service;
        ListenerChoice listeners;
    };
    struct Served {
        Service* service;  // null: it went, perhaps by what its acceptor brought, which is left and stays
        std::unique_ptr<Acceptor> acceptor;
    };

    bool has(const Service& service) const;

    std::vector<Registered> all_;
    std::vector<Served> served_;
    std::set<std::string> names_;  // of listeners, also of other generations': services keep references
};

}  // namespace sup::worker
