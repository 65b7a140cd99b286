export { roundWorkflow } from './round';
export { sweepWorkflow } from './sweep';
export { syncCatalogueWorkflow, syncCataloguesWorkflow } from './sync-catalogue';
