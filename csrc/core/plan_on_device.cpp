#include "core/plan_on_device.h"

#include <cstring>
#include <utility>

#include "core/memory_pool.h"

namespace fastnn {
namespace {

constexpr size_t kStep = 8;  // bytes from one number to the next

const char* place_of(const Array& array) {
  return array.block->device == Device::cpu ? nullptr : array.data;
}

void release_all(std::vector<Block*>& blocks) {
  for (Block* block : blocks)
    if (block) release(block);
  blocks.clear();
}

}  // namespace

HostNumbers::~HostNumbers() {
  if (block_) release(block_);
}

int HostNumbers::add(const char* source, DType dtype) {
  numbers_.push_back({source, static_cast<size_t>(item_size(dtype))});
  return static_cast<int>(numbers_.size()) - 1;
}

void HostNumbers::allocate(Device device) {
  if (!numbers_.empty()) block_ = allocate_on(device, numbers_.size() * kStep);
}

char* HostNumbers::data(int number) const { return block_->data + index(number) * kStep; }

void HostNumbers::send() {
  if (numbers_.empty()) return;
  std::string values(numbers_.size() * kStep, '\0');
  for (size_t i = 0; i < numbers_.size(); ++i)
    if (numbers_[i].source) std::memcpy(&values[i * kStep], numbers_[i].source, numbers_[i].bytes);
  if (values == sent_) return;
  Array all;
  all.block = block_;
  all.data = block_->data;
  all.rank = 1;
  all.dtype = DType::uint8;
  all.shape[0] = static_cast<int64_t>(values.size());
  all.strides[0] = 1;
  all.present = true;
  device_driver().write(values.data(), all);
  sent_ = std::move(values);
}

bool StepGraph::run(const Inputs& inputs, const std::vector<Block*>& results, const Calls& calls) {
  if (state_ == State::impossible) return false;
  if (state_ == State::first_run) {
    for (const Array* input : inputs) places_.push_back(place_of(*input));
    moving_.resize(inputs.size());
    state_ = State::usual;
    return false;
  }
  if (find_moving(inputs) || !graph_) capture(inputs, results, calls);
  if (!graph_) return false;
  std::vector<DeviceCopy> before, after;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (moving_[i] && inputs[i]->bytes())
      before.push_back({inputs_[i], inputs[i]->block, inputs[i]->data - inputs[i]->block->data,
                        inputs[i]->bytes()});
  for (size_t i = 0; i < results.size(); ++i)
    if (results[i]->bytes)
      after.push_back({results[i], results_[i], 0, static_cast<int64_t>(results[i]->bytes)});
  device_driver().run_graph(graph_, before, after);
  return true;
}

// Whether any input lies elsewhere for the first time.
bool StepGraph::find_moving(const Inputs& inputs) {
  bool found = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (moving_[i] || place_of(*inputs[i]) == places_[i]) continue;
    found = moving_[i] = true;
  }
  return found;
}

void StepGraph::capture(const Inputs& inputs, const std::vector<Block*>& results,
                        const Calls& calls) {
  release_memory();
  state_ = State::impossible;  // until it has been done
  for (size_t i = 0; i < inputs.size(); ++i)
    if (moving_[i] && (!places_[i] || !place_of(*inputs[i]))) return;  // from device to device
  const auto captured = [&] {
    allocate(inputs, results);
    std::vector<Array> arrays;
    for (const Array* input : inputs) arrays.push_back(*input);
    Inputs own;
    for (size_t i = 0; i < arrays.size(); ++i) {
      if (moving_[i]) arrays[i].block = inputs_[i], arrays[i].data = inputs_[i]->data;
      own.push_back(&arrays[i]);
    }
    calls(own, results_);
  };
  try {
    graph_ = device_driver().capture(captured);
  } catch (...) {
    release_memory();
    state_ = State::usual;  // it was interrupted: the next run captures
    throw;
  }
  if (graph_)
    state_ = State::usual;
  else
    release_memory();
}

void StepGraph::allocate(const Inputs& inputs, const std::vector<Block*>& results) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs_.push_back(nullptr);
    const Array& input = *inputs[i];
    if (moving_[i])
      inputs_[i] = allocate_on(input.block->device, static_cast<size_t>(input.bytes()));
  }
  for (const Block* result : results) {
    results_.push_back(nullptr);
    results_.back() = allocate_on(result->device, result->bytes);
  }
}

void StepGraph::release_memory() {
  if (graph_) device_driver().drop_graph(std::exchange(graph_, nullptr));
  release_all(inputs_);
  release_all(results_);
}

}  // namespace fastnn
