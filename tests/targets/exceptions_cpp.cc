// C++ exceptions unwind through several frames and static objects are built and destroyed in order.
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

struct Noisy {
  explicit Noisy(std::string text) : name(std::move(text)) { std::cout << "+" << name << '\n'; }
  ~Noisy() { std::cout << "-" << name << '\n'; }
  std::string name;
};

static Noisy global("global");

static void fail(int depth, unsigned value) {
  Noisy here("depth " + std::to_string(depth));
  if (depth == 0) throw std::out_of_range("value " + std::to_string(value));
  fail(depth - 1, value);
}

int main() {
  std::random_device device("/dev/urandom");
  try {
    fail(3, device());
  } catch (const std::exception& error) {
    std::cout << error.what() << std::endl;
  }
  static Noisy local("local");
  auto held = std::make_unique<Noisy>("held");
  std::cout << static_cast<const void*>(held.get()) << '\n';
  return 13;
}
