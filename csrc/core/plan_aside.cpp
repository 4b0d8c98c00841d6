// Runs of a plan that nobody sees: to compare it with the eager step, and to time its calls. The
// state that they change is put back.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <mutex>

#include "core/dispatch.h"
#include "core/plan.h"

namespace fastnn {
namespace {

Array whole(Block* block) {
  Array array;
  array.block = block;
  array.data = block->data;
  array.rank = 1;
  array.dtype = DType::uint8;
  array.shape[0] = static_cast<int64_t>(block->bytes);
  array.strides[0] = 1;
  array.present = true;
  return array;
}

}  // namespace

// Waits for other threads. Calls on a device run Python, and so handlers of signals: a thread that
// runs the plan already would wait for itself.
std::unique_lock<OwnedMutex> Plan::locked(const char* operation) {
  if (mutex_.is_mine())
    throw Error(ErrorKind::runtime, std::string(operation) +
                                        ": this thread is amid a replay of the step; call it when "
                                        "the replay has ended");
  return std::unique_lock<OwnedMutex>(mutex_);
}

Plan::State Plan::state() const {
  State saved;
  for (Block* block : written_) saved.push_back(bytes_of(whole(block)));
  return saved;
}

void Plan::restore(const State& saved) const {
  for (size_t i = 0; i < written_.size(); ++i)
    if (written_[i]->device == Device::cpu)
      std::memcpy(written_[i]->data, saved[i].data(), saved[i].size());
    else
      device_driver().write(saved[i].data(), whole(written_[i]));
}

// Has `calls` run on these arguments, with memory for results that nobody sees. The state is then
// the given one, also if a call finds bad values.
template <class Calls>
void Plan::run_aside(const std::vector<const Array*>& inputs, const State& then, Calls calls) {
  const Workspace workspace(*this);
  std::vector<Block*> results;
  // Other threads may have made something of the state meanwhile, as packed weights.
  const auto end = [&] { release_all(results), restore(then), raise_versions(); };
  try {
    set_inputs(inputs);
    allocate_results(results);
    prepare();
    calls();
  } catch (...) {
    end();
    throw;
  }
  end();
}

std::string Plan::verify(const Recording& eager, const std::vector<const Array*>& inputs,
                         const State& before) {
  const std::unique_lock<OwnedMutex> lock = locked("verify");
  if (eager.notes().size() != trace_->notes.size())
    return "the eager step made " + std::to_string(eager.notes().size()) +
           " calls, the recorded one " + std::to_string(trace_->notes.size());
  for (size_t n = 0; n < trace_->notes.size(); ++n) {
    const Call &now = eager.notes()[n], &recorded = trace_->notes[n];
    if (now.primitive != recorded.primitive ||
        std::memcmp(now.first, recorded.first, sizeof now.first) != 0)
      return "call " + std::to_string(n) + " of the eager step is " + now.primitive->name +
             ", of the recorded one " + recorded.primitive->name +
             (now.primitive == recorded.primitive ? ", with another number of arrays" : "");
  }
  const State after = state();
  restore(before);
  std::string found;
  run_aside(inputs, after, [&] {
    found = first_difference(eager);
    if (found.empty() && state() != after) found = "the state after the step differs";
  });
  return found;
}

std::string Plan::first_difference(const Recording& eager) const {
  // What is written in place holds, after the eager step, what its last call left there.
  std::vector<bool> updated(trace_->made.size());
  std::vector<const Array*> made(trace_->made.size());  // by the eager step
  for (size_t n = 0; n < trace_->notes.size(); ++n)
    for_each_array(trace_->notes[n], [&](Role role, int, int i) {
      const Place& place = trace_->places[n][static_cast<size_t>(i)];
      if (place.origin != Origin::made) return;
      if (role == Role::inout) updated[static_cast<size_t>(place.index)] = true;
      if (role == Role::out) made[static_cast<size_t>(place.index)] = eager.notes()[n].arrays() + i;
    });
  std::string found;
  for (size_t k = 0; k < kept_.size() && found.empty(); ++k) {
    run_call(k);
    const Call& ours = call(k);
    for_each_array(ours, [&](Role role, int operand, int i) {
      if (role != Role::out || !found.empty()) return;
      const Place& place = trace_->places[kept_[k]][static_cast<size_t>(i)];
      const int32_t recorded = recorded_[static_cast<size_t>(place.index)];
      if (recorded < 0 || updated[static_cast<size_t>(recorded)]) return;
      if (bytes_of(ours.arrays()[i]) != bytes_of(*made[static_cast<size_t>(recorded)]))
        found = "call " + std::to_string(k) + ", " + ours.primitive->name + ", differs in " +
                ours.primitive->operands[static_cast<size_t>(operand)].name + " (" + line(k) + ")";
    });
  }
  return found;
}

std::vector<double> Plan::profile(const std::vector<const Array*>& inputs, int runs) {
  const std::unique_lock<OwnedMutex> lock = locked("explain");
  const State before = state();
  std::vector<double> seconds(kept_.size(), std::numeric_limits<double>::infinity());
  run_aside(inputs, before, [&] {
    for (int run = 0; run < runs; ++run) {
      restore(before);
      for (size_t i = 0; i < kept_.size(); ++i) {
        const auto start = std::chrono::steady_clock::now();
        run_call(i);
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        seconds[i] = std::min(seconds[i], taken.count());
      }
    }
  });
  return seconds;
}

}  // namespace fastnn
