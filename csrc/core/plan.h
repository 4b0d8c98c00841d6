// A recorded step that can be run again: its calls on memory laid out once, without Python.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/memory_pool.h"
#include "core/owned_mutex.h"
#include "core/plan_on_device.h"
#include "core/trace.h"

namespace fastnn {

class Plan {
 public:
  // Of a trace that a second recording agreed with; it is used up. Throws std::bad_alloc.
  explicit Plan(std::shared_ptr<Trace> trace);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan();

  const std::vector<Array>& inputs() const { return trace_->inputs; }
  const std::vector<Result>& results() const { return trace_->results; }
  size_t workspace_bytes() const { return workspace_bytes_; }
  // Weights that no call writes, as kernels read them.
  size_t prepared_bytes() const;
  size_t size() const { return kept_.size(); }
  const Call& call(size_t i) const { return trace_->notes[kept_[i]]; }
  const std::string& line(size_t i) const { return trace_->lines[kept_[i]]; }

  // Where all its calls run.
  Device device() const;

  // Runs the step on these arguments; `results` gets a new block for each
  // result that the step makes (else null). Returns false, and runs nothing, when another thread
  // runs a plan that changes no state, or when this thread runs the plan already (calls on a device
  // run Python, and so handlers of signals): the caller may as well compute eagerly then.
  // Throws the Error of a call that found bad values; what the calls before it wrote stays.
  bool run(const std::vector<const Array*>& inputs, std::vector<Block*>& results);

  // What the plan writes outside itself, block by block.
  using State = std::vector<std::string>;
  State state() const;

  // Runs from a state that was saved before an eager run on the same arguments and compares bits
  // with it, call by call and in the state at the end, which stays. Returns what differs.
  std::string verify(const Recording& eager, const std::vector<const Array*>& inputs,
                     const State& before);

  // Seconds that each call takes, the least of so many runs; the state is put back.
  std::vector<double> profile(const std::vector<const Array*>& inputs, int runs);

  // In a forked child, where the threads that ran the plan are not, wherever they were in it.
  void forget_other_threads();

 private:
  struct Patch {
    size_t note, array;
    int64_t offset;
  };

  // What a call makes of an operand that the step does not change, made again when that changes.
  struct Prepared {
    size_t note;
    std::vector<const Block*> sources;
    Block* made;
    uint64_t version;
    bool valid;
  };

  // A made block within the memory that the calls run in.
  struct Placed {
    size_t made, offset;
  };
  class Workspace;

  std::unique_lock<OwnedMutex> locked(const char* operation);
  void release_memory();
  void drop_unread_notes();
  void place_blocks();
  void find_preparable();
  void prepare();
  void put(const Patch& patch, Block* block, char* data);
  void move_to(Block* workspace);
  static void release_all(std::vector<Block*>& blocks);
  void place_numbers();
  void set_inputs(const std::vector<const Array*>& inputs);
  void put_result(size_t made, Block* block);
  void allocate_results(std::vector<Block*>& blocks);
  void run_call(size_t i) const;
  void run_calls() const;
  void run_on_device(const std::vector<const Array*>& inputs, const std::vector<Block*>& results);
  void raise_versions() const;
  void restore(const State& saved) const;
  template <class Calls>
  void run_aside(const std::vector<const Array*>& inputs, const State& then, Calls calls);
  std::string first_difference(const Recording& eager) const;

  std::shared_ptr<Trace> trace_;
  std::vector<int32_t> recorded_;           // by made block, which one held its values; -1: none
  std::vector<size_t> kept_;                // the notes that are run
  std::vector<std::vector<Patch>> inputs_;  // where each input's address goes
  std::vector<std::vector<Patch>> made_;    // and that of each block of the step
  std::vector<int32_t> results_made_;       // the made blocks that results lie in, each once
  std::vector<Block*> written_;             // outside blocks that a call writes, each once
  std::vector<int> input_numbers_;          // of inputs that may lie on the host; -1: of others
  HostNumbers numbers_;
  StepGraph graph_;
  std::vector<Prepared> prepared_;
  std::vector<Placed> placed_;
  size_t workspace_bytes_ = 0;
  Block* workspace_ = nullptr;  // where the placed blocks are; on a device the plan's own
  const char* workspace_data_ = nullptr;
  OwnedMutex mutex_;
};

// Plans run in turn: each takes its memory for the time of a run, mostly the same again. On a
// device it stays, as a graph knows it by its address.
class Plan::Workspace {
 public:
  explicit Workspace(Plan& plan) {
    if (plan.device() != Device::cpu) return;
    block_ = allocate_for_now(plan.workspace_bytes_);
    plan.move_to(block_);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    if (block_) release(block_);
  }

 private:
  Block* block_ = nullptr;
};

}  // namespace fastnn
