// What a plan on a device needs beside its calls: numbers of the host, sent there when they change,
// and a graph, which makes all its launches one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/array.h"
#include "core/device.h"

namespace fastnn {

// Numbers that lie on the host, in memory of their own on a device.
class HostNumbers {
 public:
  HostNumbers() = default;
  HostNumbers(const HostNumbers&) = delete;
  HostNumbers& operator=(const HostNumbers&) = delete;
  ~HostNumbers();

  // Another number, and its index. Null: where it lies is said later.
  int add(const char* source, DType dtype);
  void set_source(int number, const char* source) { numbers_[index(number)].source = source; }

  // After the last one was added. Throws std::bad_alloc.
  void allocate(Device device);
  Block* block() const { return block_; }
  char* data(int number) const;

  // Copies their values, if any is another one than the last time.
  void send();

 private:
  struct Number {
    const char* source;
    size_t bytes;
  };
  static size_t index(int number) { return static_cast<size_t>(number); }

  std::vector<Number> numbers_;
  Block* block_ = nullptr;
  std::string sent_;
};

// The first run of a step is not its business, for kernels compile then. Then it captures the step;
// later runs launch what was captured, which reads and writes always the same memory: inputs that
// come from another place than before are copied into memory of the graph's own, and results out of
// such.
class StepGraph {
 public:
  using Inputs = std::vector<const Array*>;
  using Calls = std::function<void(const Inputs& inputs, const std::vector<Block*>& results)>;

  StepGraph() = default;
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;
  ~StepGraph() { release_memory(); }

  // Does what `calls(inputs, results)` does. False: nothing is done, the calls must be run. Inputs
  // on the host are left to the calls.
  bool run(const Inputs& inputs, const std::vector<Block*>& results, const Calls& calls);

 private:
  enum class State : uint8_t { first_run, usual, impossible };

  bool find_moving(const Inputs& inputs);
  void capture(const Inputs& inputs, const std::vector<Block*>& results, const Calls& calls);
  void allocate(const Inputs& inputs, const std::vector<Block*>& results);
  void release_memory();

  State state_ = State::first_run;
  void* graph_ = nullptr;
  std::vector<const char*> places_;  // of the inputs at the first run; null: on the host
  std::vector<bool> moving_;         // those that came from elsewhere since
  std::vector<Block*> inputs_;       // memory of its own for moving inputs, null for others
  std::vector<Block*> results_;      // for each result
};

}  // namespace fastnn
