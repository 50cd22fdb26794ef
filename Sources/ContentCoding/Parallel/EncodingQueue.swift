internal import Synchronization

/// Blocks that wait for a worker, and workers that wait for a block.
final class EncodingQueue<Coder: BlockCoder>: Sendable {
    typealias Block = EncodingBlock<Coder.Checksum>

    /// Used by one thread at a time, not always the same one.
    private final class Worker: Sendable {
        let state: Mutex<Coder.Worker>

        init(_ coder: Coder) { state = Mutex(coder.makeWorker()) }
    }

    private struct State {
        var pending: [Block] = []
        var idle: [Worker]
        var isClosed = false
    }

    private let coder: Coder
    private let execute: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let onEncoded: @Sendable () -> Void
    private let state: Mutex<State>

    init(
        _ coder: Coder, workers: Int,
        execute: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        onEncoded: @escaping @Sendable () -> Void
    ) {
        self.coder = coder
        self.execute = execute
        self.onEncoded = onEncoded
        state = Mutex(State(idle: (0..<workers).map { _ in Worker(coder) }))
    }

    func submit(_ block: Block) {
        let worker = state.withLock { state in
            let worker = state.idle.popLast()
            if worker == nil { state.pending.append(block) }
            return worker
        }
        if let worker { start(worker, block) }
    }

    /// Frees the memory of idle workers.
    func releaseMemory() {
        state.withLock { state in state.idle = state.idle.map { _ in Worker(coder) } }
    }

    /// Discards blocks that no worker has started, and frees the workers.
    func close() {
        state.withLock { state in
            state.pending = []
            state.idle = []
            state.isClosed = true
        }
    }

    /// Calls `execute` once per block, so that the executor can run other work in between.
    private func start(_ worker: Worker, _ block: Block) {
        execute { [self] in
            worker.state.withLock { block.encode(coder, $0) }
            onEncoded()
            if let next = next(worker) { start(worker, next) }
        }
    }

    private func next(_ worker: Worker) -> Block? {
        state.withLock { state in
            guard !state.pending.isEmpty else {
                if !state.isClosed { state.idle.append(worker) }
                return nil
            }
            return state.pending.removeFirst()
        }
    }
}
