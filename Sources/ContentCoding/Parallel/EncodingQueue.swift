internal import Synchronization

/// The blocks that wait to be encoded, and the workers that wait for blocks.
final class EncodingQueue<Coder: BlockCoder>: Sendable {
    typealias Block = EncodingBlock<Coder.Checksum>

    /// Used by one thread at a time, but not always by the same one.
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
            guard let worker = state.idle.popLast() else {
                state.pending.append(block)
                return nil as Worker?
            }
            return worker
        }
        if let worker { start(worker, block) }
    }

    /// Lets go of what idle workers keep for the next block.
    func releaseMemory() {
        state.withLock { state in state.idle = state.idle.map { _ in Worker(coder) } }
    }

    /// Forgets what has not been begun, and lets go of the workers.
    func close() {
        state.withLock { state in
            state.pending = []
            state.idle = []
            state.isClosed = true
        }
    }

    /// Each block is a piece of work of its own: between two, whatever else the executor has to
    /// do has its turn.
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
