// C++ threads, futures, a condition variable and an exception that crosses from one thread to another.
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

int main() {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&, i] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return order.size() >= 1; });
      order.push_back(i);
    });
  auto answer =
      std::async(std::launch::async, [] { return std::this_thread::get_id() != std::thread::id() ? 42 : 0; });
  auto failure =
      std::async(std::launch::async, []() -> int { throw std::runtime_error("thrown in a thread"); });
  {
    std::lock_guard lock(mutex);
    order.push_back(answer.get());
  }
  changed.notify_all();
  for (auto& thread : threads) thread.join();
  try {
    failure.get();
  } catch (const std::exception& error) {
    std::cout << error.what() << '\n';
  }
  for (int item : order) std::cout << item << ' ';
  std::cout << std::endl;
  return static_cast<int>(order.size());
}
