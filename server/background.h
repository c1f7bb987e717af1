// What the server does by itself, beside what it is asked.
#pragma once

#include "coalition/config/v1/server_config.pb.h"
#include "common/clock.h"
#include "server/exchange/exchange.h"
#include "server/membership/directory.h"
#include "server/membership/members.h"
#include "server/service/executor.h"
#include "server/service/timers.h"
#include "server/store/history.h"
#include "server/store/store.h"

namespace coalition::server {

// The records of members that leave are given over or withdrawn, expired ones removed, and history that is
// older than is kept given up. What stops one of them is logged, as a warning.
class Background {
 public:
  // What it works with; all must outlive it.
  struct Rooms {
    const Clock& clock;
    store::Store& store;
    const membership::Directory& directory;
    membership::Members& members;
    exchange::Exchange& exchange;
    service::Executor& executor;
    service::Timers& timers;
  };

  Background(const config::v1::ServerConfig& config, const Rooms& rooms);

  // Once, when the server starts.
  void Resume();

  // Begins nothing more and returns when what is under way is done. Before the timers hurry, which would have
  // it try again and again; and before the commit lane and the executor are drained.
  void Drain();

 private:
  void ResumeDepartures();
  void ResumeExpiry();
  void ResumeHistory();

  const Rooms rooms_;
  store::History history_;
};

}  // namespace coalition::server
