#include "core/plan.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "core/dispatch.h"
#include "core/memory_pool.h"
#include "core/plan_forks.h"
#include "core/plan_rewrites.h"
#include "core/workspace.h"

namespace fastnn {
namespace {

bool writes(Role role) { return role == Role::out || role == Role::inout; }

}  // namespace

Plan::Plan(std::shared_ptr<Trace> trace)
    : trace_(std::move(trace)), recorded_(swap_relu_and_max_pool(*trace_)) {
  for (const Result& result : trace_->results)
    if (result.place.origin == Origin::made) results_made_.push_back(result.place.index);
  std::sort(results_made_.begin(), results_made_.end());
  results_made_.erase(std::unique(results_made_.begin(), results_made_.end()), results_made_.end());
  try {
    drop_unread_notes();
    place_blocks();
    place_numbers();
    find_preparable();
    mend_in_forks(*this);
  } catch (...) {
    release_memory();
    throw;
  }
}

Plan::~Plan() {
  leave_to_forks(*this);
  release_memory();
}

// What was being prepared may be half made, and what a running call wrote has no new version yet.
void Plan::forget_other_threads() {
  mutex_.forget_other_threads();
  for (Prepared& one : prepared_) one.valid = false;
}

void Plan::release_memory() {
  for (const Prepared& one : prepared_) release(one.made);
  if (workspace_ && device() != Device::cpu) release(workspace_);
}

// From the end: a call stays if it writes what is outside, a result, or what a later call that
// stays reads; or if it may raise an error.
void Plan::drop_unread_notes() {
  std::vector<bool> read(trace_->made.size());
  for (const int32_t made : results_made_) read[static_cast<size_t>(made)] = true;
  for (size_t n = trace_->notes.size(); n-- > 0;) {
    const Call& call = trace_->notes[n];
    const std::vector<Place>& places = trace_->places[n];
    bool stays = call.primitive->describe != nullptr;  // it may find bad values
    for_each_array(call, [&](Role role, int, int i) {
      const Place& place = places[static_cast<size_t>(i)];
      if (!writes(role)) return;
      stays = stays || place.origin != Origin::made || read[static_cast<size_t>(place.index)];
    });
    if (!stays) continue;
    kept_.push_back(n);
    for_each_array(call, [&](Role role, int, int i) {
      const Place& place = places[static_cast<size_t>(i)];
      if (role != Role::out && place.origin == Origin::made)
        read[static_cast<size_t>(place.index)] = true;
    });
  }
  std::reverse(kept_.begin(), kept_.end());
}

void Plan::place_blocks() {
  inputs_.resize(trace_->inputs.size());
  made_.resize(trace_->made.size());
  std::vector<Lifetime> lifetimes(trace_->made.size());
  for (size_t k = 0; k < kept_.size(); ++k) {
    const size_t n = kept_[k];
    for_each_array(trace_->notes[n], [&](Role role, int, int i) {
      const Place& place = trace_->places[n][static_cast<size_t>(i)];
      const auto index = static_cast<size_t>(place.index);
      const Patch patch{n, static_cast<size_t>(i), place.offset};
      if (place.origin == Origin::input) {
        inputs_[index].push_back(patch);
      } else if (place.origin == Origin::made) {
        Lifetime& life = lifetimes[index];
        if (made_[index].empty()) life.bytes = trace_->made[index].bytes, life.first = k;
        life.last = k;
        made_[index].push_back(patch);
      } else if (role == Role::inout) {
        Block* block = trace_->notes[n].arrays()[i].block;
        if (std::find(written_.begin(), written_.end(), block) == written_.end())
          written_.push_back(block);
      }
    });
  }
  // Results get new memory at every run, and calls that are dropped need none.
  std::vector<size_t> placed;
  for (size_t index = 0; index < made_.size(); ++index)
    if (!made_[index].empty() && !std::binary_search(results_made_.begin(), results_made_.end(),
                                                     static_cast<int32_t>(index)))
      placed.push_back(index);
  std::vector<Lifetime> wanted;
  for (const size_t index : placed) wanted.push_back(lifetimes[index]);
  workspace_bytes_ = place_lifetimes(wanted);
  for (size_t i = 0; i < placed.size(); ++i) placed_.push_back({placed[i], wanted[i].offset});
  if (device() != Device::cpu) move_to(allocate_on(device(), workspace_bytes_));
}

void Plan::move_to(Block* workspace) {
  if (workspace == workspace_ && workspace->data == workspace_data_) return;
  workspace_ = nullptr;  // a child that is forked now must not take this for done
  for (const Placed& block : placed_)
    for (const Patch& patch : made_[block.made])
      put(patch, workspace, workspace->data + block.offset);
  workspace_data_ = workspace->data;
  workspace_ = workspace;
}

// Numbers of the host that calls on a device read: they read them on the device.
void Plan::place_numbers() {
  if (device() == Device::cpu) return;
  input_numbers_.assign(trace_->inputs.size(), -1);
  for (size_t i = 0; i < input_numbers_.size(); ++i)
    if (is_number(trace_->inputs[i]))
      input_numbers_[i] = numbers_.add(nullptr, trace_->inputs[i].dtype);
  std::vector<std::pair<Patch, int>> read;
  for (const size_t n : kept_)
    for_each_array(trace_->notes[n], [&](Role, int, int i) {
      const Array& array = trace_->notes[n].arrays()[i];
      if (trace_->places[n][static_cast<size_t>(i)].origin == Origin::outside &&
          array.block->device == Device::cpu)
        read.push_back({{n, static_cast<size_t>(i), 0}, numbers_.add(array.data, array.dtype)});
    });
  numbers_.allocate(device());
  for (const auto& [patch, number] : read) put(patch, numbers_.block(), numbers_.data(number));
}

// Weights that the step reads and does not write. Memory that somebody else owns may change unseen.
void Plan::find_preparable() {
  for (const size_t n : kept_) {
    const Call& call = trace_->notes[n];
    const Primitive& primitive = *call.primitive;
    if (call.program || call.device != Device::cpu || !primitive.prepared_bytes ||
        !call.has(primitive.preparable))
      continue;
    std::vector<const Block*> sources;
    const auto first = static_cast<size_t>(call.first[primitive.preparable]);
    const auto count = static_cast<size_t>(call.count(primitive.preparable));
    for (size_t i = first; i < first + count; ++i) {
      const Block* source = call.arrays()[i].block;
      if (trace_->places[n][i].origin == Origin::outside && !is_borrowed(*source) &&
          std::find(written_.begin(), written_.end(), source) == written_.end())
        sources.push_back(source);
    }
    if (sources.size() < count) continue;
    const int64_t bytes = primitive.prepared_bytes(call);
    if (bytes > 0)
      prepared_.push_back({n, sources, allocate_block(static_cast<size_t>(bytes)), 0, false});
  }
}

void Plan::prepare() {
  for (Prepared& one : prepared_) {
    uint64_t version = 0;  // versions only grow, so their sum tells whether any has
    for (const Block* source : one.sources) version += source->version;
    if (one.valid && one.version == version) continue;
    Call& call = trace_->notes[one.note];
    one.version = version;
    call.primitive->prepare(call, one.made->data);
    call.prepared = one.made->data;
    one.valid = true;
  }
  numbers_.send();
}

size_t Plan::prepared_bytes() const {
  size_t bytes = 0;
  for (const Prepared& one : prepared_) bytes += one.made->bytes;
  return bytes;
}

Device Plan::device() const {
  return trace_->notes.empty() ? Device::cpu : trace_->notes[0].device;
}

void Plan::release_all(std::vector<Block*>& blocks) {
  for (Block*& block : blocks)
    if (block) release(std::exchange(block, nullptr));
}

void Plan::put(const Patch& patch, Block* block, char* data) {
  Array& array = trace_->notes[patch.note].arrays()[patch.array];
  array.block = block;  // by which a device knows the memory; it is not held
  array.data = data + patch.offset;
}

void Plan::set_inputs(const std::vector<const Array*>& inputs) {
  const Device own = device();
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].empty()) continue;  // nobody reads it
    Block* block = inputs[i]->block;
    char* data = inputs[i]->data;
    if (block->device != own) {
      const int number = own == Device::cpu ? -1 : input_numbers_[i];
      if (number < 0)
        throw Error(ErrorKind::value, "replay: argument " + std::to_string(i) + " lies on " +
                                          device_name(block->device) +
                                          ", where it did not lie when the step was recorded");
      numbers_.set_source(number, data);
      block = numbers_.block(), data = numbers_.data(number);
    }
    for (const Patch& patch : inputs_[i]) put(patch, block, data);
  }
}

void Plan::put_result(size_t made, Block* block) {
  for (const Patch& patch : made_[made]) put(patch, block, block->data);
}

void Plan::allocate_results(std::vector<Block*>& blocks) {
  blocks.assign(trace_->results.size(), nullptr);
  for (const int32_t made : results_made_) {
    const auto index = static_cast<size_t>(made);
    Block* block = allocate_on(device(), trace_->made[index].bytes);
    put_result(index, block);
    for (size_t i = 0; i < blocks.size(); ++i) {
      const Place& place = trace_->results[i].place;
      if (place.origin == Origin::made && place.index == made) retain(blocks[i] = block);
    }
    release(block);
  }
}

void Plan::run_call(size_t i) const { run_again(trace_->notes[kept_[i]]); }

void Plan::run_calls() const {
  for (size_t i = 0; i < kept_.size(); ++i) run_call(i);
}

void Plan::run_on_device(const std::vector<const Array*>& inputs,
                         const std::vector<Block*>& results) {
  std::vector<Block*> made;  // in the order of `results_made_`
  for (const int32_t index : results_made_)
    for (size_t i = 0; i < results.size(); ++i) {
      const Place& place = trace_->results[i].place;
      if (place.origin != Origin::made || place.index != index) continue;
      made.push_back(results[i]);
      break;
    }
  const auto calls = [&](const StepGraph::Inputs& from, const std::vector<Block*>& to) {
    set_inputs(from);
    for (size_t k = 0; k < to.size(); ++k) put_result(static_cast<size_t>(results_made_[k]), to[k]);
    run_calls();
  };
  if (!graph_.run(inputs, made, calls)) calls(inputs, made);
}

void Plan::raise_versions() const {
  for (Block* block : written_) block->note_write();
}

bool Plan::run(const std::vector<const Array*>& inputs, std::vector<Block*>& results) {
  if (mutex_.is_mine()) return false;
  std::unique_lock<OwnedMutex> lock(mutex_, std::defer_lock);
  if (!written_.empty())
    lock.lock();
  else if (!lock.try_lock())
    return false;
  const Workspace workspace(*this);
  set_inputs(inputs);
  try {
    allocate_results(results);
    prepare();
    if (device() == Device::cpu)
      run_calls();
    else
      run_on_device(inputs, results);
  } catch (...) {
    raise_versions();  // what came before the call that failed has written
    release_all(results);
    throw;
  }
  raise_versions();
  return true;
}

}  // namespace fastnn
