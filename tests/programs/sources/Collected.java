import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Random;

/** Threads that fill the heap with short-lived arrays and add to a counter that nothing protects. */
public final class Collected {
  private static int shared;

  private static void work(int number) {
    Random random = new Random();
    byte[][] kept = new byte[64][];
    long sum = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] fresh = new byte[1024 + random.nextInt(2048)];
      fresh[0] = (byte) i;
      kept[i % kept.length] = fresh;
      sum += System.identityHashCode(fresh);
      shared++;
    }
    System.out.println("thread " + number + " " + sum);
  }

  public static void main(String[] arguments) throws InterruptedException {
    Thread[] threads = new Thread[4];
    for (int i = 0; i < threads.length; i++) {
      int number = i;
      threads[i] = new Thread(() -> work(number));
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    long collections = 0;
    for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
      collections += bean.getCollectionCount();
    }
    System.out.println("shared " + shared + ", collections " + collections);
  }
}
