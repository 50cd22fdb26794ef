/// Memory for the buffers of transfers.
extension AgentLoop {
    /// Takes memory for a transfer and performs its next step, now or when the memory is granted.
    func takeMemory(_ demand: BufferDemand, for transfer: Transfer, then step: Transfer.Step) {
        let (agent, id) = (agent, transfer.id)
        switch transfer.settings.configuration.buffers.take(demand, onGrant: { agent.post(.granted(id, $0)) }) {
        case .granted(let grant): perform(step, of: transfer, with: grant)
        case .waiting(let ticket): transfer.wait(for: ticket, then: step)
        }
    }

    func perform(_ step: Transfer.Step, of transfer: Transfer, with grant: BufferGrant) {
        pending.add(transfer)
        switch step {
        case .start(let request):
            do throws(CurlError) {
                try transfer.configure(request, uploadBufferSize: transfer.keep(grant, for: request))
                if request.isPlain { transfer.easy.sockets.replaceStale() }
                transfer.easy.callbacks = transfer
                try multi.add(transfer.easy)
                added.append(transfer)
                running[transfer.easy.raw] = transfer
            } catch {
                abort(transfer, ClientError(error))
            }
        case .partsAdded(let waiter):
            transfer.keep(grant)
            transfer.partsAdded(waiter)
        }
    }
}
