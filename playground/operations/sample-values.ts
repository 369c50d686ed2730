// Values in the variables of the prepared operations. They exist on the sandbox.

/** Environment of all operations. */
export const environment = { serviceCode: 'compute-on', name: 'test_area' };

/** VPC for reads, and for the VPN that the page creates. */
export const vpcId = '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7';

/** VPN for reads. */
export const vpnId = 'd49b2922-0581-4587-94df-6fe719327d0f';

/** VPN to reset, update and subscribe to. */
export const resetVpnId = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';

/** Replaced by the id of the latest task that a mutation of this page has returned. */
export const taskId = 'id-of-a-task';

/** Replaced by the id of the VPN that this page has created. Deleting a VPN of the sandbox would break the other operations. */
export const createdVpnId = 'id-of-the-vpn-to-delete';
