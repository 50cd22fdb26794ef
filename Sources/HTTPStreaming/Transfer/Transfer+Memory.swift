/// The memory that a transfer takes of ``BufferBudget``: libcurl's buffer for the body, and the blocks of encoders.
/// libcurl keeps its buffer until the transfer is over, and so does the grant.
extension Transfer {
    /// What a transfer does when it has the memory for it.
    enum Step {
        case start(TransferRequest)
        case partsAdded(Waiter)
    }

    /// The memory that a transfer has of the budget, or waits for.
    struct Memory {
        let budget: BufferBudget
        fileprivate var grants: [BufferGrant] = []
        fileprivate var ticket: BufferBudget.Ticket?
        fileprivate var next: Step?
        /// How many encoders the grants are for.
        fileprivate var encoderCount = 0

        init(_ budget: BufferBudget) { self.budget = budget }
    }

    /// The memory for the request with the parts given so far.
    func demand(of request: TransferRequest) -> BufferDemand {
        guard request.hasBody else { return .none }
        let most = uploadBufferSize(atMost: request.configuration.uploadBufferSize)
        return BufferDemand(least: min(most, BufferBudget.leastUpload), most: most) + upload.body.demand
    }

    /// The memory for parts that were added, beyond what the transfer has.
    var demandOfAddedParts: BufferDemand {
        guard isRunning, !machine.isRefused, memory.encoderCount < upload.body.encoderCount else { return .none }
        return CodedReader.demand(nil, nil)
    }

    /// The size of libcurl's buffer: no more than the body, but at least what libcurl takes.
    private func uploadBufferSize(atMost limit: Int) -> Int {
        let length = upload.body.plainLength ?? .max
        return max(Int(min(length, Int64(limit))), Client.Configuration.uploadBufferSizes.lowerBound)
    }

    /// Makes the next step wait for memory.
    func wait(for ticket: BufferBudget.Ticket, to step: Step) {
        memory.ticket = ticket
        memory.next = step
    }

    /// The step that waited for memory, which has been granted; nil if there is none any more.
    func takeStep() -> Step? {
        memory.ticket = nil
        return memory.next.take()
    }

    /// The caller whose parts still wait for memory is told how the transfer ends.
    func stopWaiting() {
        if let ticket = memory.ticket.take() { memory.budget.withdraw(ticket) }
        if case .partsAdded(let waiter) = memory.next.take() { take(waiter) }
    }

    /// Keeps a grant for parts that were added.
    func keep(_ grant: BufferGrant) {
        guard grant.bytes > 0 else { return }
        memory.grants.append(grant)
        memory.encoderCount = upload.body.encoderCount
        upload.body.limitWorkers(to: CodedReader.workers(within: grant.bytes))
    }

    /// Keeps the first grant, and divides it.
    ///
    /// - Returns: the size of libcurl's buffer.
    func keep(_ grant: BufferGrant, for request: TransferRequest) -> Int {
        memory.grants.append(grant)
        memory.encoderCount = upload.body.encoderCount
        let most = uploadBufferSize(atMost: request.configuration.uploadBufferSize)
        guard memory.encoderCount > 0 else { return min(most, grant.bytes) }
        let bufferSize = min(most, BufferBudget.leastUpload)
        upload.body.limitWorkers(to: CodedReader.workers(within: (grant.bytes - bufferSize) / memory.encoderCount))
        return bufferSize
    }

    /// The transfer is out of the multi handle; its memory is free.
    func releaseMemory() { memory.grants = [] }
}
