internal import ContentCoding

/// The memory that a transfer takes of ``BufferBudget``: libcurl's buffer for what it sends, and the
/// blocks of what encodes. libcurl keeps its buffer until the transfer is over, and so does the grant.
extension Transfer {
    /// What a transfer does when it has the memory for it.
    enum Step {
        case start(TransferRequest)
        case append([PreparedPart], isLast: Bool, Waiter?)
    }

    /// What a transfer has of the budget, and what it waits for.
    struct Memory {
        let budget: BufferBudget
        fileprivate var grants: [BufferGrant] = []
        fileprivate var ticket: BufferBudget.Ticket?
        fileprivate var next: Step?
        /// Whether the blocks of parts that are compressed on the way are counted.
        fileprivate var countsParts = false

        init(_ budget: BufferBudget) { self.budget = budget }
    }

    /// Of the request, its first parts included.
    func demand(of request: TransferRequest) -> BufferDemand {
        guard request.hasBody else { return .none }
        let most = uploadBufferSize(atMost: request.configuration.uploadBufferSize)
        var demand = BufferDemand(least: min(most, BufferBudget.leastUpload), most: most)
        if request.configuration.contentCoding.coding != nil {
            demand = demand + EncodingReader.demand(request.configuration.contentCoding.workers, body.messageLength)
        }
        return demand + self.demand(of: request.parts)
    }

    /// Of parts that are added, beyond what the transfer has.
    func demand(of parts: [PreparedPart]) -> BufferDemand {
        guard isRunning, !machine.isRefused, !memory.countsParts, parts.contains(where: { $0.gzipLevel != nil })
        else { return .none }
        return EncodingReader.demand(nil, nil)
    }

    /// The size of libcurl's buffer: no more than the body, but what libcurl takes at least.
    private func uploadBufferSize(atMost limit: Int) -> Int {
        max(Int(min(body.messageLength ?? .max, Int64(limit))), Client.Configuration.uploadBufferSizes.lowerBound)
    }

    /// Has what is to be done next wait for memory.
    func wait(for ticket: BufferBudget.Ticket, to step: Step) {
        memory.ticket = ticket
        memory.next = step
    }

    /// What waited for memory, which is there now; nil if nothing does any more.
    func takeStep() -> Step? {
        memory.ticket = nil
        return memory.next.take()
    }

    /// Whoever gave parts that still wait for memory is told how the transfer ends.
    func stopWaiting() {
        if let ticket = memory.ticket.take() { memory.budget.withdraw(ticket) }
        if case .append(_, _, let waiter) = memory.next.take() { take(waiter) }
    }

    /// Keeps what was granted for parts that are added.
    func keep(_ grant: BufferGrant, for parts: [PreparedPart]) {
        guard grant.bytes > 0 else { return }
        memory.grants.append(grant)
        memory.countsParts = true
        body.limitWorkers(to: EncodingReader.workers(within: grant.bytes))
    }

    /// Keeps what was granted to begin with, and divides it.
    ///
    /// - Returns: the size of libcurl's buffer.
    func keep(_ grant: BufferGrant, for request: TransferRequest) -> Int {
        memory.grants.append(grant)
        let isCoded = request.configuration.contentCoding.coding != nil
        memory.countsParts = request.parts.contains { $0.gzipLevel != nil }
        let encoders = (isCoded ? 1 : 0) + (memory.countsParts ? 1 : 0)
        let most = uploadBufferSize(atMost: request.configuration.uploadBufferSize)
        guard encoders > 0 else { return min(most, grant.bytes) }
        let upload = min(most, BufferBudget.leastUpload)
        body.limitWorkers(to: EncodingReader.workers(within: (grant.bytes - upload) / encoders))
        return upload
    }

    /// The transfer is out of the multi handle, and what it had is free.
    func releaseMemory() { memory.grants = [] }
}

extension EncodingReader {
    /// What zlib takes for a stream of its largest window. https://zlib.net/zlib_tech.html
    private static let workerMemory = 272 << 10

    /// Bytes of memory that so many workers take, each for a block of its own and the next one; and
    /// what is being read.
    private static func memory(_ workers: Int) -> Int {
        workers * (2 * ParallelEncoder<DeflateBlockCoder>.blockMemory + workerMemory)
            + ParallelEncoder<DeflateBlockCoder>.blockMemory
    }

    /// What an encoding of so many bytes takes, with so many workers if there is room for them.
    static func demand(_ workers: Int?, _ contentLength: Int64?) -> BufferDemand {
        let blockLength = Int64(ParallelEncoder<DeflateBlockCoder>.blockLength)
        // What is short does not make all blocks.
        guard let contentLength, contentLength < blockLength * 2 else {
            return BufferDemand(least: memory(1), most: memory(workers ?? defaultWorkers))
        }
        let bytes =
            Int(max(1, (contentLength + blockLength - 1) / blockLength))
            * ParallelEncoder<DeflateBlockCoder>.blockMemory + workerMemory
        return BufferDemand(least: bytes, most: bytes)
    }

    /// How many workers there may be, with so much memory; one at least.
    static func workers(within bytes: Int) -> Int {
        max(1, (bytes - memory(0)) / (memory(1) - memory(0)))
    }
}
