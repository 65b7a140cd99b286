export { drainWorkflow } from './drain';
export { roundWorkflow } from './round';
export { sealWorkflow } from './seal';
export { sweepWorkflow } from './sweep';
export { syncCatalogueWorkflow, syncCataloguesWorkflow } from './sync-catalogue';
