/// The memory that a transfer takes from ``BufferBudget``: libcurl's upload buffer and the blocks of encoders. A transfer
/// keeps it until it ends, as libcurl keeps its buffer.
extension Transfer {
    /// What a transfer does when it has got the memory for it.
    enum Step {
        indirect case start(TransferRequest)
        case partsAdded(Waiter)
    }

    /// The memory that a transfer has got or waits for.
    struct Memory {
        fileprivate var grants: [BufferGrant] = []
        fileprivate var ticket: BufferBudget.Ticket?
        fileprivate var next: Step?
        /// The number of encoders that the grants are for.
        fileprivate var encoderCount = 0
        /// The bytes of the grants that are for copies of sent bytes.
        fileprivate var held = 0
    }

    /// The memory for a request with its present parts.
    func demand(of request: TransferRequest) -> BufferDemand {
        guard request.hasBody else { return .none }
        let most = uploadBufferSize(atMost: request.configuration.uploadBufferSize)
        let held = request.source?.heldMemory ?? 0
        return BufferDemand(least: min(most, BufferBudget.leastUpload), most: most) + (request.source?.demand ?? .none)
            + BufferDemand(least: held, most: held)
    }

    /// The additional memory for parts that were added.
    var demandOfAddedParts: BufferDemand {
        guard isRunning, !machine.isRefused else { return .none }
        let held = max(0, upload.body.heldMemory - memory.held)
        let encoders = memory.encoderCount < upload.body.encoderCount ? CodedReader.demand(nil, nil) : .none
        return encoders + BufferDemand(least: held, most: held)
    }

    /// The size of libcurl's buffer: no larger than the body, but at least libcurl's minimum.
    private func uploadBufferSize(atMost limit: Int) -> Int {
        let length = upload.body.plainLength ?? .max
        return max(Int(min(length, Int64(limit))), Client.Configuration.uploadBufferSizes.lowerBound)
    }

    /// Stores a step that waits for memory.
    func wait(for ticket: BufferBudget.Ticket, then step: Step) {
        memory.ticket = ticket
        memory.next = step
    }

    /// Removes and returns the step that waited for memory; nil if the transfer no longer waits.
    func takeStep() -> Step? {
        memory.ticket = nil
        return memory.next.take()
    }

    /// Gives up waiting for memory. A caller whose parts wait for it then waits for the end of the transfer.
    func stopWaitingForMemory() {
        if let ticket = memory.ticket.take() { settings.configuration.buffers.withdraw(ticket) }
        if case .partsAdded(let waiter) = memory.next.take() { self.waiter = waiter }
    }

    /// Keeps the grant for parts that were added.
    func keep(_ grant: BufferGrant) {
        guard grant.bytes > 0 else { return }
        memory.grants.append(grant)
        let held = max(0, upload.body.heldMemory - memory.held)
        memory.held += held
        guard memory.encoderCount < upload.body.encoderCount else { return }
        memory.encoderCount = upload.body.encoderCount
        upload.body.context.workerLimit = CodedReader.workers(within: grant.bytes - held)
    }

    /// Keeps the first grant, and divides it between libcurl's buffer and the encoders.
    ///
    /// - Returns: the size of libcurl's buffer.
    func keep(_ grant: BufferGrant, for request: TransferRequest) -> Int {
        memory.grants.append(grant)
        memory.encoderCount = upload.body.encoderCount
        memory.held = upload.body.heldMemory
        let most = uploadBufferSize(atMost: request.configuration.uploadBufferSize)
        // A demand for more than the whole budget gets less than the copies may take.
        let bytes = max(grant.bytes - memory.held, min(most, BufferBudget.leastUpload))
        guard memory.encoderCount > 0 else { return min(most, bytes) }
        let bufferSize = min(most, BufferBudget.leastUpload)
        upload.body.context.workerLimit = CodedReader.workers(within: (bytes - bufferSize) / memory.encoderCount)
        return bufferSize
    }

    /// To be called when the transfer has been removed from the multi handle.
    func releaseMemory() { memory.grants = [] }
}
