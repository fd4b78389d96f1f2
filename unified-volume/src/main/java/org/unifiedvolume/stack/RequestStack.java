package org.unifiedvolume.stack;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;

/// Lets at most so many requests through at once; the rest wait here, in the order of a policy, and
/// no longer than the deadline.
///
/// While there is room a request goes straight through: one compare-and-set to take a place, one to
/// settle its end, no lock. What waits is merged with waiting neighbours when it goes.
///
/// Promises, under every policy: each request is answered exactly once; none is lost; none waits
/// for ever, since whoever frees a place serves the queue, and the oldest goes first once it has
/// waited for `starvationNanos`. A request whose deadline passes is answered `TIMED_OUT`; if the
/// device has it already, it keeps its place and its buffers until the device answers, so that late
/// I/O never touches memory that serves another request.
public final class RequestStack extends Layer {
    private final String name;
    private final StackOptions options;
    private final Timers timers;
    private final RequestIds ids;
    private final StackListener listener;

    private final AtomicInteger places;
    private final AtomicInteger pumping = new AtomicInteger();

    /// Changes that were answered `TIMED_OUT` while the device has them.
    private final AtomicInteger overdue = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock; waitingCount repeats queued for readers without it.
    private final OrderPolicy policy;
    private final MergeIndex index;
    private final TicketList waiting = new TicketList();
    private final TicketList underWay = new TicketList();
    private int queued;
    private volatile int waitingCount;
    private boolean alarmSet;

    private volatile boolean closed;

    /// @param name what the stack stands above, for messages
    /// @param ids where merged requests get their ids
    public RequestStack(
            String name,
            BlockDevice below,
            StackOptions options,
            Timers timers,
            RequestIds ids,
            StackListener listener) {
        super(below);
        this.name = name;
        this.options = options;
        this.timers = timers;
        this.ids = ids;
        this.listener = listener;
        this.policy = options.order().create();
        this.index = options.mergeBytes() > 0 ? new MergeIndex(options.mergeBytes()) : null;
        this.places = new AtomicInteger(options.depth());
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        submit(request, done, timers.nanoTime());
    }

    /// As [#submit(IoRequest, Completion)], for a caller that knows the time.
    ///
    /// @param enteredNanos the time now, on this stack's clock
    public void submit(IoRequest request, Completion done, long enteredNanos) {
        Ticket ticket = new Ticket(this, request, done, enteredNanos);
        if (closed) {
            answer(ticket, Outcome.failed(DeviceFault.Kind.STOPPING, name + " is closed"));
        } else if (waitingCount == 0 && takePlace()) {
            send(ticket);
        } else {
            queue(ticket);
            pump();
        }
    }

    private boolean takePlace() {
        int free = places.get();
        while (free > 0) {
            int found = places.compareAndExchange(free, free - 1);
            if (found == free) {
                return true;
            }
            free = found;
        }
        return false;
    }

    /// A place has become free; whoever waits takes it.
    void freePlace() {
        places.incrementAndGet();
        if (waitingCount > 0) {
            pump();
        }
    }

    private void send(Ticket ticket) {
        if (options.deadlineNanos() == 0) {
            below.submit(ticket.request(), ticket);
            return;
        }
        keepSource(ticket);
        below.submit(ticket.request(), ticket);
        track(ticket);
    }

    /// The device may use a source beyond the moment at which the request is answered: its deadline
    /// may pass first.
    private void keepSource(Ticket ticket) {
        if (ticket.request() instanceof IoRequest.Write write) {
            write.source().retain();
        }
    }

    /// The device has answered a request whose deadline had passed.
    void cameLate(Ticket ticket) {
        countOverdue(ticket, -1);
    }

    private void countOverdue(Ticket ticket, int by) {
        if (ticket.request().tag().operation().changesData()) {
            overdue.addAndGet(by);
        }
    }

    /// How many changes were answered `TIMED_OUT` that the device still has: they may happen at any
    /// moment.
    public int overdueCount() {
        return overdue.get();
    }

    /// The device is done with a request that [#send] or [#sendMerged] gave it.
    void released(Ticket ticket) {
        if (options.deadlineNanos() != 0 && ticket.request() instanceof IoRequest.Write write) {
            write.source().release();
        }
    }

    /// A request that is still under way when `submit` has returned is watched for its deadline.
    private void track(Ticket ticket) {
        if (ticket.state() != Ticket.GOING) {
            return;
        }
        lock.lock();
        try {
            if (ticket.move(Ticket.GOING, Ticket.TRACKED)) {
                ticket.byAge = underWay.addByAge(ticket);
                setAlarm();
            }
        } finally {
            lock.unlock();
        }
    }

    /// Takes a tracked ticket out of the watch; false if it is not tracked: its deadline has
    /// passed.
    boolean untrack(Ticket ticket) {
        lock.lock();
        try {
            if (!ticket.move(Ticket.TRACKED, Ticket.ENDED)) {
                return false;
            }
            underWay.remove(ticket.byAge);
            return true;
        } finally {
            lock.unlock();
        }
    }

    void answer(Ticket ticket, Outcome outcome) {
        listener.answered(ticket.request(), outcome, ticket.enteredNanos());
        ticket.done().complete(ticket.request(), outcome);
    }

    private void queue(Ticket ticket) {
        lock.lock();
        try {
            ticket.become(Ticket.WAITING);
            ticket.byAge = waiting.addByAge(ticket);
            policy.add(ticket);
            if (index != null) {
                index.add(ticket);
            }
            queued++;
            waitingCount = queued;
            if (options.deadlineNanos() != 0) {
                setAlarm();
            }
        } finally {
            lock.unlock();
        }
    }

    /// Sends what waits while there are places. One thread at a time; another that comes meanwhile
    /// leaves it one more round to do, so a request that ends at once does not recurse.
    private void pump() {
        if (pumping.getAndIncrement() != 0) {
            return;
        }
        int rounds = 1;
        do {
            while (waitingCount > 0 && takePlace()) {
                if (!sendNext()) {
                    places.incrementAndGet();
                }
            }
            rounds = pumping.addAndGet(-rounds);
        } while (rounds != 0);
    }

    private boolean sendNext() {
        List<Ticket> chosen;
        lock.lock();
        try {
            Ticket first = chooseNext();
            if (first == null) {
                return false;
            }
            chosen = index == null ? List.of(first) : index.neighbours(first);
            for (Ticket ticket : chosen) {
                if (ticket != first) {
                    policy.remove(ticket);
                    unqueue(ticket);
                }
                ticket.become(Ticket.GOING);
            }
        } finally {
            lock.unlock();
        }
        if (chosen.size() == 1) {
            send(chosen.getFirst());
        } else {
            sendMerged(chosen);
        }
        return true;
    }

    private Ticket chooseNext() {
        Ticket oldest = waiting.first();
        if (oldest == null) {
            return null;
        }
        Ticket chosen;
        if (timers.nanoTime() - oldest.enteredNanos() >= options.starvationNanos()) {
            chosen = oldest;
            policy.remove(oldest);
        } else {
            chosen = policy.next();
        }
        unqueue(chosen);
        return chosen;
    }

    private void unqueue(Ticket ticket) {
        waiting.remove(ticket.byAge);
        if (index != null) {
            index.remove(ticket);
        }
        queued--;
        waitingCount = queued;
    }

    private void sendMerged(List<Ticket> parts) {
        MergedRequest merged = new MergedRequest(this, parts);
        if (options.deadlineNanos() != 0) {
            parts.forEach(this::keepSource);
        }
        below.submit(merged.request(ids.next()), merged);
        if (options.deadlineNanos() != 0) {
            parts.forEach(this::track);
        }
    }

    /// A merged request failed: its parts go down on their own, one after the other, in the place
    /// that it has.
    void retryAlone(List<Ticket> parts) {
        new LoneRetry(this, below, parts).start();
    }

    /// Under the lock: makes sure that somebody looks when the next deadline passes.
    private void setAlarm() {
        if (alarmSet) {
            return;
        }
        Ticket oldest = oldest();
        if (oldest == null) {
            return;
        }
        alarmSet = true;
        long due = oldest.enteredNanos() + options.deadlineNanos();
        timers.after(Math.max(0, due - timers.nanoTime()), this::expire);
    }

    private Ticket oldest() {
        Ticket queued = waiting.first();
        Ticket sent = underWay.first();
        if (queued == null || sent == null) {
            return queued == null ? sent : queued;
        }
        return queued.enteredNanos() - sent.enteredNanos() < 0 ? queued : sent;
    }

    private void expire() {
        List<Ticket> expired = new ArrayList<>();
        int neverSent = 0;
        long now = timers.nanoTime();
        lock.lock();
        try {
            alarmSet = false;
            for (Ticket t = waiting.first(); isOverdue(t, now); t = waiting.first()) {
                policy.remove(t);
                unqueue(t);
                t.become(Ticket.EXPIRED);
                expired.add(t);
                neverSent++;
            }
            for (Ticket t = underWay.first(); isOverdue(t, now); t = underWay.first()) {
                underWay.remove(t.byAge);
                countOverdue(t, 1);
                t.become(Ticket.EXPIRED);
                expired.add(t);
            }
            setAlarm();
        } finally {
            lock.unlock();
        }
        for (int i = 0; i < expired.size(); i++) {
            Ticket ticket = expired.get(i);
            long waited = now - ticket.enteredNanos();
            listener.expired(ticket.request(), waited, i >= neverSent);
            answer(
                    ticket,
                    Outcome.failed(
                            DeviceFault.Kind.TIMED_OUT,
                            "%s: no answer to %s at offset %d, %d bytes, within %d ms"
                                    .formatted(
                                            name,
                                            ticket.request().tag().operation(),
                                            ticket.request().offsetBytes(),
                                            ticket.request().lengthBytes(),
                                            options.deadlineNanos() / 1_000_000)));
        }
    }

    private boolean isOverdue(Ticket ticket, long now) {
        return ticket != null && now - ticket.enteredNanos() >= options.deadlineNanos();
    }

    /// How many requests the device below has now.
    public int underWayCount() {
        return options.depth() - places.get();
    }

    /// How many requests wait for a place.
    public int waitingCount() {
        return waitingCount;
    }

    /// Fails what still waits and closes the device below.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        List<Ticket> stranded = new ArrayList<>();
        lock.lock();
        try {
            for (Ticket t = waiting.first(); t != null; t = waiting.first()) {
                policy.remove(t);
                unqueue(t);
                t.become(Ticket.EXPIRED);
                stranded.add(t);
            }
        } finally {
            lock.unlock();
        }
        for (Ticket ticket : stranded) {
            answer(ticket, Outcome.failed(DeviceFault.Kind.STOPPING, name + " is being closed"));
        }
        below.close();
    }
}
